package containers

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestVerdictsFollowThresholds(t *testing.T) {
	for name, test := range map[string]struct {
		successes, failures int32
		heard               string
		verdicts            []Verdict
	}{
		"at once":       {1, 1, "+-+", []Verdict{Good, Bad, Good}},
		"unset":         {0, 0, "+-", []Verdict{Good, Bad}},
		"three to fail": {1, 3, "--+---", []Verdict{Open, Open, Good, Open, Open, Bad}},
		"two to pass":   {2, 1, "+-++", []Verdict{Open, Bad, Open, Good}},
	} {
		judge := NewJudge(&v1.Probe{SuccessThreshold: test.successes, FailureThreshold: test.failures})
		for i, heard := range test.heard {
			if verdict := judge.Hear(heard == '+'); verdict != test.verdicts[i] {
				t.Errorf("%s, after %s: %d", name, test.heard[:i+1], verdict)
			}
		}
	}
}

func TestOnlyGoodAnswersPass(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		status, _ := strconv.Atoi(request.URL.Path[1:])
		if request.Header.Get("x-probe") != "yes" {
			status = http.StatusBadRequest
		}
		answer.WriteHeader(status)
	}))
	defer server.Close()
	host, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	number, _ := strconv.Atoi(port)
	container := &v1.Container{Ports: []v1.ContainerPort{{Name: "health", ContainerPort: int32(number)}}}

	for path, good := range map[string]bool{"/200": true, "302": true, "/404": false, "/503": false} {
		probe := &v1.Probe{ProbeHandler: v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{
			Path:        path,
			Port:        intstr.FromString("health"),
			HTTPHeaders: []v1.HTTPHeader{{Name: "x-probe", Value: "yes"}},
		}}}
		if err := try(context.Background(), probe, container, host); (err == nil) != good {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAPortThatNobodyListensOnFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := intstr.FromInt(listener.Addr().(*net.TCPAddr).Port)
	probe := &v1.Probe{ProbeHandler: v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: port}}}

	if err := try(context.Background(), probe, &v1.Container{}, "127.0.0.1"); err != nil {
		t.Error(err)
	}
	listener.Close()
	if err := try(context.Background(), probe, &v1.Container{}, "127.0.0.1"); err == nil {
		t.Error("nobody answered")
	}
}

func TestWhatCannotBeProbedFails(t *testing.T) {
	named := intstr.FromString("none")
	for _, handler := range []v1.ProbeHandler{
		{},
		{TCPSocket: &v1.TCPSocketAction{Port: named}},
		{HTTPGet: &v1.HTTPGetAction{Port: named}},
	} {
		if try(context.Background(), &v1.Probe{ProbeHandler: handler}, &v1.Container{}, "127.0.0.1") == nil {
			t.Errorf("%+v", handler)
		}
	}
}
