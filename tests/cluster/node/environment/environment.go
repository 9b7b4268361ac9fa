// Package environment is what containers find in their environment and arguments.
package environment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// Source is where values come from that a pod only names.
type Source interface {
	Secret(namespace, name string) (*v1.Secret, error)
	ConfigMap(namespace, name string) (*v1.ConfigMap, error)
}

// Environment is variables and their values.
type Environment map[string]string

// Of is the environment of a container. base is what it gets if it says nothing else;
// the addresses in the pod's status are those it has.
func Of(pod *v1.Pod, container *v1.Container, base Environment, source Source) (Environment, error) {
	reader := reader{pod, container, source}
	all := maps.Clone(base)
	for i := range container.EnvFrom {
		if err := reader.addAll(all, &container.EnvFrom[i]); err != nil {
			return nil, err
		}
	}
	// Later ones may speak of earlier ones.
	for i := range container.Env {
		if err := reader.add(all, &container.Env[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", container.Env[i].Name, err)
		}
	}
	return all, nil
}

// Expand replaces every $(NAME) in texts whose name is known.
func (e Environment) Expand(texts []string) []string {
	expanded := make([]string, 0, len(texts))
	for _, text := range texts {
		expanded = append(expanded, expansion.Expand(text, expansion.MappingFuncFor(e)))
	}
	return expanded
}

// List is what a program is started with.
func (e Environment) List() []string {
	list := make([]string, 0, len(e))
	for _, name := range slices.Sorted(maps.Keys(e)) {
		list = append(list, name+"="+e[name])
	}
	return list
}

type reader struct {
	pod       *v1.Pod
	container *v1.Container
	source    Source
}

func (r reader) addAll(to Environment, from *v1.EnvFromSource) error {
	switch {
	case from.ConfigMapRef != nil:
		object, err := r.source.ConfigMap(r.pod.Namespace, from.ConfigMapRef.Name)
		if err != nil {
			return unlessOptional(err, from.ConfigMapRef.Optional)
		}
		for name, value := range object.Data {
			to[from.Prefix+name] = value
		}
	case from.SecretRef != nil:
		object, err := r.source.Secret(r.pod.Namespace, from.SecretRef.Name)
		if err != nil {
			return unlessOptional(err, from.SecretRef.Optional)
		}
		for name, value := range object.Data {
			to[from.Prefix+name] = string(value)
		}
	}
	return nil
}

func (r reader) add(to Environment, variable *v1.EnvVar) error {
	if variable.ValueFrom == nil {
		to[variable.Name] = expansion.Expand(variable.Value, expansion.MappingFuncFor(to))
		return nil
	}
	value, found, err := r.value(variable.ValueFrom)
	if found {
		to[variable.Name] = value
	}
	return err
}

func (r reader) value(from *v1.EnvVarSource) (value string, found bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = r.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err = resource.ExtractContainerResourceValue(from.ResourceFieldRef, r.container)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		return r.secretKey(from.SecretKeyRef)
	case from.ConfigMapKeyRef != nil:
		return r.configMapKey(from.ConfigMapKeyRef)
	default:
		return "", false, fmt.Errorf("a value of this kind is not known here")
	}
}

func (r reader) field(path string) (string, error) {
	status := &r.pod.Status
	switch path {
	case "spec.nodeName":
		return r.pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return r.pod.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return status.HostIP, nil
	case "status.hostIPs":
		var addresses []string
		for _, address := range status.HostIPs {
			addresses = append(addresses, address.IP)
		}
		return strings.Join(addresses, ","), nil
	case "status.podIP":
		return status.PodIP, nil
	case "status.podIPs":
		var addresses []string
		for _, address := range status.PodIPs {
			addresses = append(addresses, address.IP)
		}
		return strings.Join(addresses, ","), nil
	default:
		return fieldpath.ExtractFieldPathAsString(r.pod, path)
	}
}

func (r reader) secretKey(of *v1.SecretKeySelector) (string, bool, error) {
	object, err := r.source.Secret(r.pod.Namespace, of.Name)
	if err != nil {
		return "", false, unlessOptional(err, of.Optional)
	}
	value, found := object.Data[of.Key]
	return string(value), found, missing(found, of.Optional, of.Name, of.Key)
}

func (r reader) configMapKey(of *v1.ConfigMapKeySelector) (string, bool, error) {
	object, err := r.source.ConfigMap(r.pod.Namespace, of.Name)
	if err != nil {
		return "", false, unlessOptional(err, of.Optional)
	}
	value, found := object.Data[of.Key]
	return value, found, missing(found, of.Optional, of.Name, of.Key)
}

func unlessOptional(err error, optional *bool) error {
	if errors.IsNotFound(err) && optional != nil && *optional {
		return nil
	}
	return err
}

func missing(found bool, optional *bool, object, key string) error {
	if found || optional != nil && *optional {
		return nil
	}
	return fmt.Errorf("%s has no key %s", object, key)
}
