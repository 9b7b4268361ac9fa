package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/volume/util"
)

// Folder holds the volumes of one pod, each in a folder of its name.
type Folder struct {
	path   string
	source Source
}

// NewFolder is that of one pod, which need not be there yet.
func NewFolder(path string, source Source) *Folder {
	return &Folder{path, source}
}

// Lay makes the volumes what they have to be at the moment; it can be called again when
// something has changed. Files of one volume change together.
func (f *Folder) Lay(pod *v1.Pod) error {
	var failed []error
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if err := f.lay(pod, volume); err != nil {
			failed = append(failed, fmt.Errorf("volume %s: %w", volume.Name, err))
		}
	}
	return errors.Join(failed...)
}

// Path is where a volume is on this machine.
func (f *Folder) Path(volume *v1.Volume) string {
	if volume.HostPath != nil {
		return volume.HostPath.Path
	}
	return filepath.Join(f.path, volume.Name)
}

func (f *Folder) lay(pod *v1.Pod, volume *v1.Volume) error {
	if volume.HostPath != nil {
		return nil
	}
	path := f.Path(volume)
	if volume.EmptyDir != nil {
		return makeWritable(path)
	}
	payload, err := payload(pod, &volume.VolumeSource, f.source)
	if err != nil {
		return err
	}
	if payload == nil {
		return errors.New("its kind is not known here")
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	writer, err := util.NewAtomicWriter(path, volume.Name)
	if err != nil {
		return err
	}
	return writer.Write(payload, func(written string) error {
		return share(filepath.Join(path, written), pod.Spec.SecurityContext)
	})
}

// makeWritable makes a folder in which any user may write.
func makeWritable(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o777)
}

// share lets the group of the pod, if it has one, read what its owner may read.
func share(path string, security *v1.PodSecurityContext) error {
	if security == nil || security.FSGroup == nil {
		return nil
	}
	group := int(*security.FSGroup)
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		about, err := entry.Info()
		if err != nil {
			return err
		}
		if err := os.Chown(path, -1, group); err != nil {
			return err
		}
		mode := about.Mode().Perm()
		return os.Chmod(path, mode|mode&0o500>>3)
	})
}
