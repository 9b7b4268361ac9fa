package containers

import (
	"reflect"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"gateway.test/cluster/node/environment"
)

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct {
		command, arguments, expected []string
	}{
		"none":             {nil, nil, []string{"/gateway"}},
		"arguments":        {nil, []string{"run", "--in=$(PLACE)"}, []string{"/gateway", "run", "--in=here"}},
		"its own command":  {[]string{"/usr/bin/gateway"}, []string{"run"}, []string{"/gateway", "run"}},
		"a bare command":   {[]string{"gateway", "run"}, nil, []string{"/gateway", "run"}},
		"another's":        {[]string{"/bin/sh", "-c"}, []string{"$(PLACE)"}, []string{"/bin/sh", "-c", "here"}},
		"a dollar of else": {nil, []string{"$PLACE", "$$(PLACE)"}, []string{"/gateway", "$PLACE", "$(PLACE)"}},
	} {
		container := &v1.Container{Command: test.command, Args: test.arguments}
		plan, err := Plan(&v1.Pod{}, container, program(), nowhere)
		if err != nil || !reflect.DeepEqual(plan.Arguments, test.expected) {
			t.Errorf("%s: %q, %v", name, plan.Arguments, err)
		}
	}
}

func TestUsers(t *testing.T) {
	for name, test := range map[string]struct {
		pod         *v1.PodSecurityContext
		container   *v1.SecurityContext
		user, group int
	}{
		"nobody":           {nil, nil, nobody, nobody},
		"the pod's":        {&v1.PodSecurityContext{RunAsUser: ptr.To(int64(1)), RunAsGroup: ptr.To(int64(2))}, nil, 1, 2},
		"the volumes'":     {&v1.PodSecurityContext{FSGroup: ptr.To(int64(3))}, nil, nobody, 3},
		"the container's":  {&v1.PodSecurityContext{RunAsUser: ptr.To(int64(1))}, &v1.SecurityContext{RunAsUser: ptr.To(int64(0))}, 0, nobody},
		"the container's2": {nil, &v1.SecurityContext{RunAsGroup: ptr.To(int64(4))}, nobody, 4},
	} {
		pod := &v1.Pod{Spec: v1.PodSpec{SecurityContext: test.pod}}
		plan, err := Plan(pod, &v1.Container{SecurityContext: test.container}, program(), nowhere)
		if err != nil || plan.User != test.user || plan.Group != test.group {
			t.Errorf("%s: %d, %d, %v", name, plan.User, plan.Group, err)
		}
	}
}

func TestVolumesAreMountedWhereTheyAreWanted(t *testing.T) {
	container := &v1.Container{VolumeMounts: []v1.VolumeMount{
		{Name: "keys", MountPath: "/etc/keys", ReadOnly: true},
		{Name: "keys", MountPath: "/etc/one", SubPath: "one"},
	}}
	volume := func(name string) string { return "/volumes/" + name }
	plan, err := Plan(&v1.Pod{}, container, program(), volume)
	if err != nil {
		t.Fatal(err)
	}

	last := plan.Mounts[len(plan.Mounts)-2:]
	if last[0].From != "/volumes/keys" || last[0].To != "/etc/keys" || !last[0].ReadOnly {
		t.Errorf("%+v", last[0])
	}
	if last[1].From != "/volumes/keys/one" || last[1].To != "/etc/one" || last[1].ReadOnly {
		t.Errorf("%+v", last[1])
	}
}

func TestAVolumeThatThePodDoesNotHaveIsRefused(t *testing.T) {
	container := &v1.Container{VolumeMounts: []v1.VolumeMount{{Name: "keys", MountPath: "/etc/keys"}}}
	if _, err := Plan(&v1.Pod{}, container, program(), nowhere); err == nil {
		t.Error("a volume that is not there was mounted")
	}
}

func program() Program {
	return Program{Path: "/built/gateway", Environment: environment.Environment{"PLACE": "here"}}
}

func nowhere(string) string {
	return ""
}
