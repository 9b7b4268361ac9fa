package containers

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Keeper runs one container as often as its pod's policy wants.
type Keeper struct {
	Container *v1.Container
	Policy    v1.RestartPolicy
	// Address is where probes go.
	Address string
	// Start begins a run.
	Start func() (*Process, error)
	// Tell is called with every change; calls do not overlap.
	Tell func(v1.ContainerStatus)
}

// Keep runs the container until it is done or the context ends, which kills it after
// what is left of its grace. The last status that is told is of a container that has
// ended, or never began.
func (k *Keeper) Keep(ctx context.Context, grace func() time.Duration) {
	status := Waiting(k.Container, "ContainerCreating", "")
	pause := firstPause
	for {
		began := time.Now()
		process, err := k.Start()
		if err != nil {
			status.State = waiting("CreateContainerError", err.Error())
			k.Tell(status)
		} else {
			k.run(ctx, process, grace, &status)
			if ctx.Err() != nil || !again(k.Policy, process.Code()) {
				return
			}
			status.LastTerminationState = status.State
			status.State = waiting("CrashLoopBackOff", "it ended and is started again after a pause")
			status.RestartCount++
			k.Tell(status)
		}
		if time.Since(began) > goodRun {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// run tells everything about one run, to its end.
func (k *Keeper) run(ctx context.Context, process *Process, grace func() time.Duration, status *v1.ContainerStatus) {
	began := metav1.Now()
	status.State = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: began}}
	status.Started = ptr.To(k.Container.StartupProbe == nil)
	status.Ready = k.Container.StartupProbe == nil && k.Container.ReadinessProbe == nil
	k.Tell(*status)

	probing, stopProbing := context.WithCancel(ctx)
	defer stopProbing()
	verdicts := make(chan told)
	k.probe(probing, verdicts, k.first())
	for {
		select {
		case <-process.Ended():
			k.ended(process, began, status)
			return
		case <-ctx.Done():
			process.Stop(grace())
			k.ended(process, began, status)
			return
		case told := <-verdicts:
			if k.judge(told, status, process, grace) {
				k.probe(probing, verdicts, k.later())
			}
		}
	}
}

// told is a verdict of one of the container's probes.
type told struct {
	probe   *v1.Probe
	verdict Verdict
}

// judge acts on a verdict, and says whether the container has started by it.
func (k *Keeper) judge(told told, status *v1.ContainerStatus, process *Process, grace func() time.Duration) bool {
	good := told.verdict == Good
	switch told.probe {
	case k.Container.ReadinessProbe:
		if status.Ready != good {
			status.Ready = good
			k.Tell(*status)
		}
	case k.Container.StartupProbe:
		if good && !*status.Started {
			status.Started = ptr.To(true)
			status.Ready = k.Container.ReadinessProbe == nil
			k.Tell(*status)
			return true
		}
		if !good && !*status.Started {
			go process.Stop(grace())
		}
	default:
		if !good {
			go process.Stop(grace())
		}
	}
	return false
}

func (k *Keeper) ended(process *Process, began metav1.Time, status *v1.ContainerStatus) {
	reason := "Completed"
	if process.Code() != 0 {
		reason = "Error"
	}
	status.Ready = false
	status.Started = ptr.To(false)
	status.State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
		ExitCode:   process.Code(),
		Reason:     reason,
		StartedAt:  began,
		FinishedAt: metav1.Now(),
	}}
	k.Tell(*status)
}

// first are the probes that begin with the container.
func (k *Keeper) first() []*v1.Probe {
	if k.Container.StartupProbe != nil {
		return []*v1.Probe{k.Container.StartupProbe}
	}
	return k.later()
}

// later are the probes that begin when the container has started.
func (k *Keeper) later() []*v1.Probe {
	return []*v1.Probe{k.Container.ReadinessProbe, k.Container.LivenessProbe}
}

func (k *Keeper) probe(ctx context.Context, verdicts chan<- told, probes []*v1.Probe) {
	for _, probe := range probes {
		if probe == nil {
			continue
		}
		go Follow(ctx, probe, k.Container, k.Address, func(verdict Verdict) {
			select {
			case verdicts <- told{probe, verdict}:
			case <-ctx.Done():
			}
		})
	}
}

// Waiting is the status of a container that does not run yet.
func Waiting(container *v1.Container, reason, message string) v1.ContainerStatus {
	return v1.ContainerStatus{
		Name:    container.Name,
		Image:   container.Image,
		ImageID: container.Image,
		Started: ptr.To(false),
		State:   waiting(reason, message),
	}
}

func waiting(reason, message string) v1.ContainerState {
	return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// again is whether a container that ended so is to run again.
func again(policy v1.RestartPolicy, code int32) bool {
	switch policy {
	case v1.RestartPolicyNever:
		return false
	case v1.RestartPolicyOnFailure:
		return code != 0
	default:
		return true
	}
}

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
	// goodRun is how long a container runs that did not fail because of how it began.
	goodRun = time.Minute
)
