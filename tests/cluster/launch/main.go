// Command launch becomes a container's program.
//
// usage: launch PLAN
//
// It has to be started in a mount namespace of its own, in which it makes the root that
// PLAN describes; then it gives up what it may not keep and executes the program. The
// network is that in which it was started. Everything it made ends with the process.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gateway.test/cluster/launch/plan"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: launch PLAN")
		os.Exit(2)
	}
	// What returns has failed.
	fmt.Fprintln(os.Stderr, "launch:", run(os.Args[1]))
	os.Exit(127)
}

func run(file string) error {
	plan, err := plan.Read(file)
	if err != nil {
		return err
	}
	// The machine's may keep other users out.
	unix.Umask(0o022)
	if err := makeRoot(plan); err != nil {
		return err
	}
	if err := unix.Chroot(plan.Root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	if err := os.Chdir(plan.Folder); err != nil {
		return err
	}
	if err := become(plan.User, plan.Group); err != nil {
		return err
	}
	program, err := find(plan.Arguments[0], plan.Environment)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", program, unix.Exec(program, plan.Arguments, plan.Environment))
}

func makeRoot(plan plan.Plan) error {
	// Else the machine would see the mounts.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("tmpfs", plan.Root, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount a root: %w", err)
	}
	temporary := filepath.Join(plan.Root, "tmp")
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(temporary, 0o777|fs.ModeSticky); err != nil {
		return err
	}
	for path, content := range plan.Files {
		if err := write(filepath.Join(plan.Root, path), content); err != nil {
			return err
		}
	}
	for _, mount := range plan.Mounts {
		if err := lay(plan.Root, mount); err != nil {
			return err
		}
	}
	if plan.ReadOnlyRoot {
		return remount(plan.Root)
	}
	return nil
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

func lay(root string, mount plan.Mount) error {
	about, err := os.Stat(mount.From)
	if mount.Optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to := filepath.Join(root, mount.To)
	if about.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else if _, missing := os.Lstat(to); missing != nil {
		err = write(to, "")
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(mount.From, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s: %w", mount.To, err)
	}
	if mount.ReadOnly {
		return remount(to)
	}
	return nil
}

func remount(path string) error {
	flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY)
	if err := unix.Mount("", path, "", flags, ""); err != nil {
		return fmt.Errorf("mount %s read-only: %w", path, err)
	}
	return nil
}

// find is where a program is that need not be named by its path.
func find(program string, environment []string) (string, error) {
	for _, variable := range environment {
		if path, found := strings.CutPrefix(variable, "PATH="); found {
			if err := os.Setenv("PATH", path); err != nil {
				return "", err
			}
		}
	}
	return exec.LookPath(program)
}

// become gives up being root, unless the program is to be root.
func become(user, group int) error {
	if err := unix.Setgroups([]int{group}); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	if err := unix.Setgid(group); err != nil {
		return fmt.Errorf("group %d: %w", group, err)
	}
	if err := unix.Setuid(user); err != nil {
		return fmt.Errorf("user %d: %w", user, err)
	}
	// The kernel forgets it with every change of user.
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
}
