package pods

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSteps(t *testing.T) {
	for name, test := range map[string]struct {
		node          string
		phase         v1.PodPhase
		leaves, works bool
		expected      step
	}{
		"new":                {"", v1.PodPending, false, false, bind},
		"new and leaves":     {"", v1.PodPending, true, false, nothing},
		"bound":              {"node", v1.PodPending, false, false, start},
		"runs":               {"node", v1.PodRunning, false, true, update},
		"runs, unknown here": {"node", v1.PodRunning, false, false, start},
		"leaves":             {"node", v1.PodRunning, true, true, stop},
		"left":               {"node", v1.PodRunning, true, false, remove},
		"done":               {"node", v1.PodSucceeded, false, false, nothing},
		"done, still here":   {"node", v1.PodSucceeded, false, true, update},
		"done and leaves":    {"node", v1.PodFailed, true, false, remove},
	} {
		pod := &v1.Pod{Spec: v1.PodSpec{NodeName: test.node}, Status: v1.PodStatus{Phase: test.phase}}
		if test.leaves {
			pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
		}
		if found := next(pod, test.works); found != test.expected {
			t.Errorf("%s: %d", name, found)
		}
	}
	gated := &v1.Pod{Spec: v1.PodSpec{SchedulingGates: []v1.PodSchedulingGate{{Name: "gate"}}}}
	if found := next(gated, false); found != nothing {
		t.Errorf("gated: %d", found)
	}
}
