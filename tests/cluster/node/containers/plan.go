// Package containers starts containers and watches over them.
package containers

import (
	"fmt"
	"path/filepath"

	v1 "k8s.io/api/core/v1"

	"gateway.test/cluster/launch/plan"
	"gateway.test/cluster/node/environment"
)

// Program is what a container's image stands for, and the environment it gets.
type Program struct {
	Path        string
	Environment environment.Environment
}

// Plan is how to start a container. volume says where a volume is on this machine.
func Plan(pod *v1.Pod, container *v1.Container, program Program, volume func(string) string) (plan.Plan, error) {
	inside := "/" + filepath.Base(program.Path)
	user, group := userOf(pod, container)
	made := plan.Plan{
		Arguments:    arguments(container, program.Environment, inside),
		Environment:  program.Environment.List(),
		Files:        etc(pod),
		Folder:       "/",
		User:         user,
		Group:        group,
		ReadOnlyRoot: rootIsReadOnly(container),
	}
	if container.WorkingDir != "" {
		made.Folder = container.WorkingDir
	}
	made.Mounts = append(machine(), plan.Mount{From: program.Path, To: inside, ReadOnly: true})
	for _, wanted := range container.VolumeMounts {
		from := volume(wanted.Name)
		if from == "" {
			return plan.Plan{}, fmt.Errorf("no volume is named %s", wanted.Name)
		}
		made.Mounts = append(made.Mounts, plan.Mount{
			From:     filepath.Join(from, wanted.SubPath),
			To:       wanted.MountPath,
			ReadOnly: wanted.ReadOnly,
		})
	}
	return made, nil
}

// arguments are the program's. A command that is the program by another path is the
// program too, so that commands can be those of the real image.
func arguments(container *v1.Container, environment environment.Environment, inside string) []string {
	command := environment.Expand(container.Command)
	if len(command) == 0 {
		command = []string{inside}
	} else if filepath.Base(command[0]) == filepath.Base(inside) {
		command[0] = inside
	}
	return append(command, environment.Expand(container.Args)...)
}

// machine is what dynamically linked programs need, and can not change.
func machine() []plan.Mount {
	mounts := []plan.Mount{
		{From: "/proc", To: "/proc"},
		{From: "/dev", To: "/dev"},
		{From: "/sys", To: "/sys"},
	}
	for _, folder := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ssl"} {
		mounts = append(mounts, plan.Mount{From: folder, To: folder, ReadOnly: true, Optional: true})
	}
	return mounts
}

func etc(pod *v1.Pod) map[string]string {
	hosts := "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
	for _, address := range pod.Status.PodIPs {
		hosts += address.IP + "\t" + pod.Name + "\n"
	}
	return map[string]string{
		"/etc/hosts":    hosts,
		"/etc/hostname": pod.Name + "\n",
		"/etc/passwd":   "root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n",
		"/etc/group":    "root:x:0:\nnonroot:x:65532:\n",
		// There is no name server: who asks is told at once.
		"/etc/resolv.conf": "nameserver 127.0.0.1\n",
	}
}

// userOf is who the program runs as. Images that say nothing about it are taken to be of
// the usual kind, in which nobody is root.
func userOf(pod *v1.Pod, container *v1.Container) (user, group int) {
	user, group = nobody, nobody
	if of := pod.Spec.SecurityContext; of != nil {
		set(&user, of.RunAsUser)
		set(&group, of.RunAsGroup)
		// Volumes are its group's.
		if of.RunAsGroup == nil {
			set(&group, of.FSGroup)
		}
	}
	if of := container.SecurityContext; of != nil {
		set(&user, of.RunAsUser)
		set(&group, of.RunAsGroup)
	}
	return user, group
}

func set(number *int, to *int64) {
	if to != nil {
		*number = int(*to)
	}
}

func rootIsReadOnly(container *v1.Container) bool {
	of := container.SecurityContext
	return of != nil && of.ReadOnlyRootFilesystem != nil && *of.ReadOnlyRootFilesystem
}

// nobody is the user of images that do not run as root.
const nobody = 65532
