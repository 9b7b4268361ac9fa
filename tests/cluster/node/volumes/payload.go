// Package volumes lays the files of pods' volumes.
package volumes

import (
	"fmt"
	"maps"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/downwardapi"
	"k8s.io/kubernetes/pkg/volume/secret"
	"k8s.io/kubernetes/pkg/volume/util"
)

// Source is where the content of volumes comes from.
type Source interface {
	Secret(namespace, name string) (*v1.Secret, error)
	ConfigMap(namespace, name string) (*v1.ConfigMap, error)
	Token(pod *v1.Pod, wanted *v1.ServiceAccountTokenProjection) ([]byte, error)
}

// Payload is the files of a volume that has some, by their paths in it.
type Payload map[string]util.FileProjection

// payload is the files that a volume has to hold, or nil if it is not one with files.
// An object that is not there, and not optional, is an error of that kind.
func payload(pod *v1.Pod, volume *v1.VolumeSource, source Source) (Payload, error) {
	reader := reader{pod, source}
	switch {
	case volume.Secret != nil:
		of := volume.Secret
		return reader.secret(of.SecretName, of.Items, of.DefaultMode, of.Optional)
	case volume.ConfigMap != nil:
		of := volume.ConfigMap
		return reader.configMap(of.Name, of.Items, of.DefaultMode, of.Optional)
	case volume.DownwardAPI != nil:
		of := volume.DownwardAPI
		return downwardapi.CollectData(of.Items, pod, nil, of.DefaultMode)
	case volume.Projected != nil:
		return reader.projected(volume.Projected)
	default:
		return nil, nil
	}
}

type reader struct {
	pod    *v1.Pod
	source Source
}

func (r reader) projected(volume *v1.ProjectedVolumeSource) (Payload, error) {
	all := Payload{}
	for i := range volume.Sources {
		one, err := r.projection(&volume.Sources[i], volume.DefaultMode)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, one)
	}
	return all, nil
}

func (r reader) projection(of *v1.VolumeProjection, mode *int32) (Payload, error) {
	switch {
	case of.Secret != nil:
		return r.secret(of.Secret.Name, of.Secret.Items, mode, of.Secret.Optional)
	case of.ConfigMap != nil:
		return r.configMap(of.ConfigMap.Name, of.ConfigMap.Items, mode, of.ConfigMap.Optional)
	case of.DownwardAPI != nil:
		return downwardapi.CollectData(of.DownwardAPI.Items, r.pod, nil, mode)
	case of.ServiceAccountToken != nil:
		token, err := r.source.Token(r.pod, of.ServiceAccountToken)
		if err != nil {
			return nil, err
		}
		return Payload{of.ServiceAccountToken.Path: {Data: token, Mode: *mode}}, nil
	default:
		return nil, fmt.Errorf("a projected volume of this kind is not known here")
	}
}

func (r reader) secret(name string, items []v1.KeyToPath, mode *int32, optional *bool) (Payload, error) {
	mayMiss := optional != nil && *optional
	object, err := r.source.Secret(r.pod.Namespace, name)
	if mayMiss && errors.IsNotFound(err) {
		object, err = &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
	}
	if err != nil {
		return nil, err
	}
	return secret.MakePayload(items, object, mode, mayMiss)
}

func (r reader) configMap(name string, items []v1.KeyToPath, mode *int32, optional *bool) (Payload, error) {
	mayMiss := optional != nil && *optional
	object, err := r.source.ConfigMap(r.pod.Namespace, name)
	if mayMiss && errors.IsNotFound(err) {
		object, err = &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
	}
	if err != nil {
		return nil, err
	}
	return configmap.MakePayload(items, object, mode, mayMiss)
}
