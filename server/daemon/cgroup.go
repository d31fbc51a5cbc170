package daemon

// In a container of its own, the server and its daemon share the root of a
// private cgroup v2 namespace. The kernel hands no controller on from a group
// that has processes in it, so that the daemon's containers could have no limits
// and runc would refuse to start them. The processes move into a group below
// first, and the controllers are handed on then (cgroups(7), "no internal
// processes"; Linux, Documentation/admin-guide/cgroup-v2.rst).

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	cgroupRoot = "/sys/fs/cgroup"
	ownGroup   = "server" // below the root, for the server and all it starts
)

// leaveRoot moves the processes of the cgroup root into a group below and hands
// the root's controllers on. It does nothing where the root is not a private
// namespace's: the machine's own has no cgroup.type, and cgroup v1 has no
// cgroup.controllers.
func leaveRoot(root string) error {
	for _, name := range []string{"cgroup.type", "cgroup.controllers"} {
		_, err := os.Stat(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look at the cgroup: %w", err)
		}
	}
	if err := moveProcesses(root, filepath.Join(root, ownGroup)); err != nil {
		return fmt.Errorf("leave the root of the cgroup: %w", err)
	}
	if err := handOn(root); err != nil {
		return fmt.Errorf("hand the cgroup's controllers on: %w", err)
	}
	return nil
}

func moveProcesses(from, to string) error {
	processes, err := os.ReadFile(filepath.Join(from, "cgroup.procs"))
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, process := range strings.Fields(string(processes)) {
		err := appendLine(filepath.Join(to, "cgroup.procs"), process)
		if err != nil && !errors.Is(err, syscall.ESRCH) { // a process that has ended needs no move
			return err
		}
	}
	return nil
}

func handOn(root string) error {
	controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range strings.Fields(string(controllers)) {
		if err := appendLine(filepath.Join(root, "cgroup.subtree_control"), "+"+controller); err != nil {
			return err
		}
	}
	return nil
}

// appendLine writes one line in one call, as the kernel's files want it.
func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}
