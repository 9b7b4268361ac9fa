package environment

import (
	"reflect"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

func TestValues(t *testing.T) {
	for name, test := range map[string]struct {
		from  v1.EnvVarSource
		value string
	}{
		"a name":            {field("metadata.name"), "pod-1"},
		"a namespace":       {field("metadata.namespace"), "here"},
		"a label":           {field("metadata.labels['app']"), "web"},
		"a node":            {field("spec.nodeName"), "node"},
		"a service account": {field("spec.serviceAccountName"), "default"},
		"an address":        {field("status.podIP"), "10.0.0.2"},
		"addresses":         {field("status.podIPs"), "10.0.0.2,fd00::2"},
		"an address above":  {field("status.hostIP"), "10.0.0.1"},
		"addresses above":   {field("status.hostIPs"), "10.0.0.1"},
		"a limit":           {v1.EnvVarSource{ResourceFieldRef: &v1.ResourceFieldSelector{Resource: "limits.memory"}}, "1048576"},
		"a key":             {v1.EnvVarSource{ConfigMapKeyRef: configMapKey("settings", "mode", false)}, "fast"},
		"a secret":          {v1.EnvVarSource{SecretKeyRef: secretKey("password", "text", false)}, "open"},
	} {
		container := &v1.Container{
			Env:       []v1.EnvVar{{Name: "SOME", ValueFrom: &test.from}},
			Resources: v1.ResourceRequirements{Limits: v1.ResourceList{"memory": resource.MustParse("1Mi")}},
		}
		all, err := Of(pod(), container, Environment{}, objects)
		if err != nil || all["SOME"] != test.value {
			t.Errorf("%s: %q, %v", name, all["SOME"], err)
		}
	}
}

func TestWhatMissesMayMissOnlyIfItSaysSo(t *testing.T) {
	for name, from := range map[string]func(optional bool) v1.EnvVarSource{
		"a config map": func(optional bool) v1.EnvVarSource {
			return v1.EnvVarSource{ConfigMapKeyRef: configMapKey("none", "mode", optional)}
		},
		"its key": func(optional bool) v1.EnvVarSource {
			return v1.EnvVarSource{ConfigMapKeyRef: configMapKey("settings", "none", optional)}
		},
		"a secret": func(optional bool) v1.EnvVarSource {
			return v1.EnvVarSource{SecretKeyRef: secretKey("none", "text", optional)}
		},
		"its text": func(optional bool) v1.EnvVarSource {
			return v1.EnvVarSource{SecretKeyRef: secretKey("password", "none", optional)}
		},
	} {
		for _, optional := range []bool{false, true} {
			container := &v1.Container{Env: []v1.EnvVar{{Name: "SOME", ValueFrom: ptr.To(from(optional))}}}
			all, err := Of(pod(), container, Environment{}, objects)
			if (err == nil) != optional || len(all) > 0 {
				t.Errorf("%s, optional %v: %v, %v", name, optional, all, err)
			}
		}
	}
}

func TestLaterOnesWin(t *testing.T) {
	container := &v1.Container{
		EnvFrom: []v1.EnvFromSource{
			{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "settings"}}},
			{Prefix: "P_", SecretRef: &v1.SecretEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "password"}}},
		},
		Env: []v1.EnvVar{{Name: "HOME", Value: "/home"}, {Name: "WHERE", Value: "$(HOME)/$(mode)/$(none)/$$(HOME)"}},
	}
	all, err := Of(pod(), container, Environment{"HOME": "/", "PATH": "/bin"}, objects)
	if err != nil {
		t.Fatal(err)
	}

	expected := []string{"HOME=/home", "PATH=/bin", "P_text=open", "WHERE=/home/fast/$(none)/$(HOME)", "mode=fast"}
	if list := all.List(); !reflect.DeepEqual(list, expected) {
		t.Errorf("%q", list)
	}
	if texts := all.Expand([]string{"--in=$(HOME)"}); texts[0] != "--in=/home" {
		t.Errorf("%q", texts)
	}
}

func field(path string) v1.EnvVarSource {
	return v1.EnvVarSource{FieldRef: &v1.ObjectFieldSelector{FieldPath: path}}
}

func configMapKey(name, key string, optional bool) *v1.ConfigMapKeySelector {
	reference := v1.LocalObjectReference{Name: name}
	return &v1.ConfigMapKeySelector{LocalObjectReference: reference, Key: key, Optional: &optional}
}

func secretKey(name, key string, optional bool) *v1.SecretKeySelector {
	reference := v1.LocalObjectReference{Name: name}
	return &v1.SecretKeySelector{LocalObjectReference: reference, Key: key, Optional: &optional}
}

func pod() *v1.Pod {
	pod := &v1.Pod{}
	pod.Name = "pod-1"
	pod.Namespace = "here"
	pod.Labels = map[string]string{"app": "web"}
	pod.Spec.NodeName = "node"
	pod.Spec.ServiceAccountName = "default"
	pod.Status.HostIP = "10.0.0.1"
	pod.Status.HostIPs = []v1.HostIP{{IP: "10.0.0.1"}}
	pod.Status.PodIP = "10.0.0.2"
	pod.Status.PodIPs = []v1.PodIP{{IP: "10.0.0.2"}, {IP: "fd00::2"}}
	return pod
}

type fixed struct{}

var objects fixed

func (fixed) Secret(_, name string) (*v1.Secret, error) {
	if name != "password" {
		return nil, errors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	return &v1.Secret{Data: map[string][]byte{"text": []byte("open")}}, nil
}

func (fixed) ConfigMap(_, name string) (*v1.ConfigMap, error) {
	if name != "settings" {
		return nil, errors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
	}
	return &v1.ConfigMap{Data: map[string]string{"mode": "fast"}}, nil
}
