package process

// The child's half: confine this process, then run the task.

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Argument is the first argument of a program that is to call Main.
const Argument = "confined"

// checkTask is the task of NewSandbox, which Main knows itself.
const checkTask = "check"

// settings are the second argument.
type settings struct {
	Confinement confinement
	Root        string // folder that becomes the root; empty for an empty one
	Writable    bool   // whether the task may write there
	CPU         uint64 // seconds
	Memory      uint64 // bytes
	File        uint64 // bytes
}

// Main confines this process and runs one of tasks. arguments are those that
// follow Argument. A program calls it before it opens anything.
func Main(arguments []string, tasks map[string]func() error) error {
	if len(arguments) != 2 {
		return errors.New("a confined process is started by the server only")
	}
	var s settings
	if err := json.Unmarshal([]byte(arguments[0]), &s); err != nil {
		return fmt.Errorf("read how to confine this process: %w", err)
	}
	missing, err := s.confine()
	if err != nil {
		return fmt.Errorf("confine this process: %w", err)
	}
	name := arguments[1]
	if name == checkTask {
		return json.NewEncoder(os.Stdout).Encode(missing)
	}
	task, known := tasks[name]
	if !known {
		return fmt.Errorf("there is no task %q", name)
	}
	return task()
}
