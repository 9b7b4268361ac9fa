package pods

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// progress is what is known of a pod that is the node's.
type progress struct {
	began      metav1.Time
	addresses  []string
	hosts      []string
	inits      []v1.ContainerStatus
	containers []v1.ContainerStatus
}

// status is what to tell the API server. Conditions that are the same as before keep
// their time; those of others are not in it.
func (p progress) status(pod *v1.Pod, now metav1.Time) v1.PodStatus {
	status := v1.PodStatus{
		Phase:                 p.phase(pod),
		StartTime:             &p.began,
		InitContainerStatuses: p.inits,
		ContainerStatuses:     p.containers,
		QOSClass:              pod.Status.QOSClass,
		ObservedGeneration:    pod.Generation,
	}
	for i, address := range p.addresses {
		if i == 0 {
			status.PodIP = address
		}
		status.PodIPs = append(status.PodIPs, v1.PodIP{IP: address})
	}
	for i, host := range p.hosts {
		if i == 0 {
			status.HostIP = host
		}
		status.HostIPs = append(status.HostIPs, v1.HostIP{IP: host})
	}
	running := p.running()
	ready := running && all(p.containers, func(c *v1.ContainerStatus) bool { return c.Ready })
	for _, condition := range []struct {
		kind v1.PodConditionType
		true bool
	}{
		{v1.PodReadyToStartContainers, len(p.addresses) > 0},
		{v1.PodInitialized, all(p.inits, succeeded)},
		{v1.ContainersReady, ready},
		{v1.PodReady, ready && gatesAreOpen(pod)},
	} {
		made := conditionOf(condition.kind, condition.true, status.Phase)
		made.ObservedGeneration = pod.Generation
		made.LastTransitionTime = since(pod, made, now)
		status.Conditions = append(status.Conditions, made)
	}
	return status
}

func (p progress) phase(pod *v1.Pod) v1.PodPhase {
	ended := func(c *v1.ContainerStatus) bool { return c.State.Terminated != nil }
	failed := func(c *v1.ContainerStatus) bool { return ended(c) && !succeeded(c) }
	switch {
	case anyOf(p.inits, failed) && pod.Spec.RestartPolicy == v1.RestartPolicyNever:
		return v1.PodFailed
	case !all(p.inits, succeeded) || len(p.containers) == 0:
		return v1.PodPending
	// A pod that always runs again has not ended when its containers have.
	case all(p.containers, ended) && pod.Spec.RestartPolicy != v1.RestartPolicyAlways:
		if all(p.containers, succeeded) {
			return v1.PodSucceeded
		}
		return v1.PodFailed
	case p.running():
		return v1.PodRunning
	default:
		return v1.PodPending
	}
}

// running is whether every container has run at some time.
func (p progress) running() bool {
	return len(p.containers) > 0 && all(p.containers, func(c *v1.ContainerStatus) bool {
		return c.State.Waiting == nil || c.LastTerminationState.Terminated != nil
	})
}

func conditionOf(kind v1.PodConditionType, holds bool, phase v1.PodPhase) v1.PodCondition {
	condition := v1.PodCondition{Type: kind, Status: v1.ConditionFalse}
	switch {
	case holds:
		condition.Status = v1.ConditionTrue
	case phase == v1.PodSucceeded:
		condition.Reason = "PodCompleted"
	case kind == v1.ContainersReady || kind == v1.PodReady:
		condition.Reason = "ContainersNotReady"
	}
	return condition
}

// since is when a condition became what it is.
func since(pod *v1.Pod, condition v1.PodCondition, now metav1.Time) metav1.Time {
	for _, before := range pod.Status.Conditions {
		if before.Type == condition.Type && before.Status == condition.Status {
			return before.LastTransitionTime
		}
	}
	return now
}

func gatesAreOpen(pod *v1.Pod) bool {
	open := map[v1.PodConditionType]bool{}
	for _, condition := range pod.Status.Conditions {
		open[condition.Type] = condition.Status == v1.ConditionTrue
	}
	for _, gate := range pod.Spec.ReadinessGates {
		if !open[gate.ConditionType] {
			return false
		}
	}
	return true
}

func succeeded(container *v1.ContainerStatus) bool {
	return container.State.Terminated != nil && container.State.Terminated.ExitCode == 0
}

func all(containers []v1.ContainerStatus, holds func(*v1.ContainerStatus) bool) bool {
	return !anyOf(containers, func(c *v1.ContainerStatus) bool { return !holds(c) })
}

func anyOf(containers []v1.ContainerStatus, holds func(*v1.ContainerStatus) bool) bool {
	for i := range containers {
		if holds(&containers[i]) {
			return true
		}
	}
	return false
}

// statusPatch makes a pod's status this one, if it is still the
// same pod.
type statusPatch struct {
	Metadata struct {
		UID types.UID `json:"uid"`
	} `json:"metadata"`
	Status v1.PodStatus `json:"status"`
}
