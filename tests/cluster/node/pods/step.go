package pods

import v1 "k8s.io/api/core/v1"

// step is what to do with a pod next.
type step int

const (
	nothing step = iota
	bind
	start
	update
	stop
	remove
)

// next is the step for a pod that has a worker or not.
func next(pod *v1.Pod, works bool) step {
	leaves := pod.DeletionTimestamp != nil
	ended := pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
	switch {
	case works && leaves:
		return stop
	case works:
		return update
	case pod.Spec.NodeName == "" && !leaves && len(pod.Spec.SchedulingGates) == 0:
		return bind
	case pod.Spec.NodeName != "" && leaves:
		return remove
	case pod.Spec.NodeName != "" && !ended:
		return start
	default:
		return nothing
	}
}
