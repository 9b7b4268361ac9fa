// Package plan says how a container is to be started: what the node writes and the
// launcher reads.
package plan

import (
	"encoding/json"
	"os"
)

// Plan is one container, about to start.
type Plan struct {
	// Root is an empty folder, which becomes the container's root.
	Root string `json:"root"`
	// Mounts are laid into the root in this order.
	Mounts []Mount `json:"mounts"`
	// Files are written into the root, by their paths in it.
	Files map[string]string `json:"files,omitempty"`
	// Arguments has the program first, as a path within the root.
	Arguments   []string `json:"arguments"`
	Environment []string `json:"environment"`
	// Folder is where the program starts, within the root.
	Folder string `json:"folder"`
	User   int    `json:"user"`
	Group  int    `json:"group"`
	// ReadOnlyRoot keeps the program from writing outside of its mounts.
	ReadOnlyRoot bool `json:"readOnlyRoot,omitempty"`
}

// Mount puts a file or folder of the machine at a place in the root.
type Mount struct {
	From     string `json:"from"`
	To       string `json:"to"`
	ReadOnly bool   `json:"readOnly,omitempty"`
	// Optional mounts are left out where the machine does not have them.
	Optional bool `json:"optional,omitempty"`
}

// Write puts a plan into a file that only its owner reads.
func Write(file string, plan Plan) error {
	text, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// Read is the plan in a file.
func Read(file string) (Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Plan{}, err
	}
	var plan Plan
	return plan, json.Unmarshal(text, &plan)
}
