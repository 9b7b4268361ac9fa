package pods

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPhaseAndReadiness(t *testing.T) {
	waits := v1.ContainerStatus{State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{}}}
	runs := v1.ContainerStatus{State: v1.ContainerState{Running: &v1.ContainerStateRunning{}}}
	serves := runs
	serves.Ready = true
	done := ended(0)
	broken := ended(1)
	crashed := waits
	crashed.LastTerminationState = broken.State

	type list = []v1.ContainerStatus
	for name, test := range map[string]struct {
		policy            v1.RestartPolicy
		inits, containers list
		phase             v1.PodPhase
		ready             bool
	}{
		"nothing yet":        {v1.RestartPolicyAlways, nil, nil, v1.PodPending, false},
		"waits":              {v1.RestartPolicyAlways, nil, list{waits}, v1.PodPending, false},
		"one waits":          {v1.RestartPolicyAlways, nil, list{serves, waits}, v1.PodPending, false},
		"runs":               {v1.RestartPolicyAlways, nil, list{runs}, v1.PodRunning, false},
		"serves":             {v1.RestartPolicyAlways, nil, list{serves, serves}, v1.PodRunning, true},
		"one serves":         {v1.RestartPolicyAlways, nil, list{serves, runs}, v1.PodRunning, false},
		"between runs":       {v1.RestartPolicyAlways, nil, list{crashed}, v1.PodRunning, false},
		"ended, goes on":     {v1.RestartPolicyAlways, nil, list{broken}, v1.PodRunning, false},
		"done":               {v1.RestartPolicyNever, nil, list{done}, v1.PodSucceeded, false},
		"broken":             {v1.RestartPolicyNever, nil, list{done, broken}, v1.PodFailed, false},
		"half done":          {v1.RestartPolicyNever, nil, list{done, serves}, v1.PodRunning, false},
		"prepares":           {v1.RestartPolicyAlways, list{runs}, list{waits}, v1.PodPending, false},
		"prepared":           {v1.RestartPolicyAlways, list{done}, list{serves}, v1.PodRunning, true},
		"cannot prepare":     {v1.RestartPolicyNever, list{broken}, list{waits}, v1.PodFailed, false},
		"cannot prepare yet": {v1.RestartPolicyAlways, list{broken}, list{waits}, v1.PodPending, false},
	} {
		pod := &v1.Pod{Spec: v1.PodSpec{RestartPolicy: test.policy}}
		status := progress{inits: test.inits, containers: test.containers}.status(pod, metav1.Now())
		if status.Phase != test.phase {
			t.Errorf("%s: %s", name, status.Phase)
		}
		if ready := condition(t, status, v1.PodReady).Status == v1.ConditionTrue; ready != test.ready {
			t.Errorf("%s: ready %v", name, ready)
		}
	}
}

func TestConditionsKeepTheirTimes(t *testing.T) {
	then, now := metav1.NewTime(time.Unix(1, 0)), metav1.NewTime(time.Unix(2, 0))
	pod := &v1.Pod{}
	pod.Status.Conditions = []v1.PodCondition{
		{Type: v1.PodScheduled, Status: v1.ConditionTrue, LastTransitionTime: then},
		{Type: v1.PodInitialized, Status: v1.ConditionTrue, LastTransitionTime: then},
		{Type: v1.PodReady, Status: v1.ConditionFalse, LastTransitionTime: then},
		{Type: "example.test/theirs", Status: v1.ConditionTrue, LastTransitionTime: then},
	}
	serves := v1.ContainerStatus{Ready: true, State: v1.ContainerState{Running: &v1.ContainerStateRunning{}}}
	status := progress{containers: []v1.ContainerStatus{serves}}.status(pod, now)

	for kind, time := range map[v1.PodConditionType]metav1.Time{
		v1.PodInitialized: then,
		v1.PodReady:       now,
	} {
		if changed := condition(t, status, kind).LastTransitionTime; !changed.Equal(&time) {
			t.Errorf("%s: %s", kind, changed)
		}
	}
	for _, condition := range status.Conditions {
		if condition.Type == v1.PodScheduled || condition.Type == "example.test/theirs" {
			t.Errorf("%s is somebody else's", condition.Type)
		}
	}
}

func TestAGateKeepsAPodFromBeingReady(t *testing.T) {
	pod := &v1.Pod{Spec: v1.PodSpec{ReadinessGates: []v1.PodReadinessGate{{ConditionType: "example.test/gate"}}}}
	serves := v1.ContainerStatus{Ready: true, State: v1.ContainerState{Running: &v1.ContainerStateRunning{}}}
	progress := progress{containers: []v1.ContainerStatus{serves}}
	for _, open := range []v1.ConditionStatus{v1.ConditionFalse, v1.ConditionTrue} {
		pod.Status.Conditions = []v1.PodCondition{{Type: "example.test/gate", Status: open}}
		if ready := condition(t, progress.status(pod, metav1.Now()), v1.PodReady).Status; ready != open {
			t.Errorf("the gate is %s, the pod %s", open, ready)
		}
	}
}

func TestTheFirstAddressIsTheMainOne(t *testing.T) {
	progress := progress{addresses: []string{"10.0.0.2", "fd00::2"}, hosts: []string{"10.0.0.1"}}
	status := progress.status(&v1.Pod{}, metav1.Now())
	if status.PodIP != "10.0.0.2" || len(status.PodIPs) != 2 || status.HostIP != "10.0.0.1" {
		t.Errorf("%+v", status)
	}
}

func ended(code int32) v1.ContainerStatus {
	return v1.ContainerStatus{State: v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ExitCode: code}}}
}

func condition(t *testing.T, status v1.PodStatus, kind v1.PodConditionType) v1.PodCondition {
	t.Helper()
	for _, condition := range status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	t.Fatalf("no condition %s in %+v", kind, status.Conditions)
	return v1.PodCondition{}
}
