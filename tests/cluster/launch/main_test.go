package main

import (
	"os"
	"path/filepath"
	"testing"

	"gateway.test/cluster/launch/plan"
)

func TestProgramsAreFoundByNameAndByPath(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "program")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/nowhere")

	for named, found := range map[string]bool{"program": true, program: true, "other": false, "./program": false} {
		path, err := find(named, []string{"HOME=/", "PATH=" + folder})
		if (err == nil) != found || found && path != program {
			t.Errorf("%s: %q, %v", named, path, err)
		}
	}
}

func TestAPlanIsReadAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	written := plan.Plan{
		Root:      "/root-of-it",
		Mounts:    []plan.Mount{{From: "/a", To: "/b", ReadOnly: true}},
		Arguments: []string{"/b", "run"},
		User:      65532,
	}
	if err := plan.Write(file, written); err != nil {
		t.Fatal(err)
	}
	read, err := plan.Read(file)
	if err != nil || len(read.Mounts) != 1 || read.Mounts[0] != written.Mounts[0] ||
		read.Root != written.Root || read.User != written.User || read.Arguments[1] != "run" {
		t.Errorf("%+v, %v", read, err)
	}
	if about, err := os.Stat(file); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", about.Mode(), err)
	}
}
