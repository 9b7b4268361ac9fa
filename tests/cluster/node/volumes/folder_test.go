package volumes

import (
	"os"
	"path/filepath"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

func TestFilesAreThoseOfTheirObjects(t *testing.T) {
	mode := ptr.To(int32(0o644))
	items := []v1.KeyToPath{{Key: "tls.crt", Path: "deep/crt"}}
	for name, test := range map[string]struct {
		volume v1.VolumeSource
		files  map[string]string
	}{
		"a secret": {
			v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "pair", DefaultMode: mode}},
			map[string]string{"tls.crt": "certificate", "tls.key": "key"},
		},
		"items of a secret": {
			v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "pair", DefaultMode: mode, Items: items}},
			map[string]string{"deep/crt": "certificate"},
		},
		"a secret that may miss": {
			v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "none", DefaultMode: mode, Optional: ptr.To(true)}},
			map[string]string{},
		},
		"a config map": {
			v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{
				LocalObjectReference: v1.LocalObjectReference{Name: "authority"}, DefaultMode: mode,
			}},
			map[string]string{"ca.crt": "authority"},
		},
		"a projection": {
			v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{DefaultMode: mode, Sources: []v1.VolumeProjection{
				{ServiceAccountToken: &v1.ServiceAccountTokenProjection{Path: "token"}},
				{ConfigMap: &v1.ConfigMapProjection{LocalObjectReference: v1.LocalObjectReference{Name: "authority"}}},
				{DownwardAPI: &v1.DownwardAPIProjection{Items: []v1.DownwardAPIVolumeFile{
					{Path: "namespace", FieldRef: &v1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
				}}},
			}}},
			map[string]string{"token": "token", "ca.crt": "authority", "namespace": "here"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := NewFolder(t.TempDir(), objects)
			pod := podWith(test.volume)
			if err := folder.Lay(pod); err != nil {
				t.Fatal(err)
			}
			found, err := filepath.Glob(filepath.Join(folder.Path(&pod.Spec.Volumes[0]), "[^.]*"))
			if err != nil || len(found) != len(tops(test.files)) {
				t.Errorf("%v, %v", found, err)
			}
			for path, content := range test.files {
				text, err := os.ReadFile(filepath.Join(folder.Path(&pod.Spec.Volumes[0]), path))
				if err != nil || string(text) != content {
					t.Errorf("%s: %q, %v", path, text, err)
				}
			}
		})
	}
}

func TestAnObjectThatMissesIsSaidToBeMissing(t *testing.T) {
	folder := NewFolder(t.TempDir(), objects)
	volume := v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "none", DefaultMode: ptr.To(int32(0o644))}}

	if err := folder.Lay(podWith(volume)); err == nil {
		t.Error("a volume of nothing was laid")
	}
}

func TestAKindThatIsNotKnownIsRefused(t *testing.T) {
	folder := NewFolder(t.TempDir(), objects)
	volume := v1.VolumeSource{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{}}

	if err := folder.Lay(podWith(volume)); err == nil {
		t.Error("a volume of another kind was laid")
	}
}

func TestAGroupMayReadWhatItsOwnerMay(t *testing.T) {
	pod := podWith(v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "pair", DefaultMode: ptr.To(int32(0o400))}})
	pod.Spec.SecurityContext = &v1.PodSecurityContext{FSGroup: ptr.To(int64(os.Getgid()))}
	folder := NewFolder(t.TempDir(), objects)
	if err := folder.Lay(pod); err != nil {
		t.Fatal(err)
	}

	about, err := os.Stat(filepath.Join(folder.Path(&pod.Spec.Volumes[0]), "tls.key"))
	if err != nil || about.Mode() != 0o440 {
		t.Errorf("%v, %v", about.Mode(), err)
	}
}

func podWith(source v1.VolumeSource) *v1.Pod {
	pod := &v1.Pod{}
	pod.Namespace = "here"
	pod.Spec.Volumes = []v1.Volume{{Name: "some", VolumeSource: source}}
	return pod
}

func tops(files map[string]string) map[string]bool {
	tops := map[string]bool{}
	for path := range files {
		for filepath.Dir(path) != "." {
			path = filepath.Dir(path)
		}
		tops[path] = true
	}
	return tops
}

type fixed struct{}

var objects fixed

func (fixed) Secret(_, name string) (*v1.Secret, error) {
	if name != "pair" {
		return nil, errors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	return &v1.Secret{Data: map[string][]byte{"tls.crt": []byte("certificate"), "tls.key": []byte("key")}}, nil
}

func (fixed) ConfigMap(_, name string) (*v1.ConfigMap, error) {
	if name != "authority" {
		return nil, errors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
	}
	return &v1.ConfigMap{Data: map[string]string{"ca.crt": "authority"}}, nil
}

func (fixed) Token(*v1.Pod, *v1.ServiceAccountTokenProjection) ([]byte, error) {
	return []byte("token"), nil
}
