package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestEndGroup: the file is a copy of the kernel's; the process is real. That a
// daemon's containers are in the group shows with a real one only (server/buildkitd, test/soak).
func TestEndGroup(t *testing.T) {
	for name, folder := range map[string]string{"cgroup v2": "own/buildkit/one", "cgroup v1": "pids/own/buildkit/one"} {
		t.Run(name, func(t *testing.T) {
			left := exec.Command("sleep", "600")
			if err := left.Start(); err != nil {
				t.Fatal(err)
			}
			root := cgroup(t, map[string]string{folder + "/cgroup.procs": strconv.Itoa(left.Process.Pid) + "\n", "cgroup.procs": "1\n"})
			ended := make(chan error, 1)
			go func() {
				_ = left.Wait() // killed, as it is to be
				// The kernel lists what has ended no more.
				ended <- os.WriteFile(filepath.Join(root, folder, "cgroup.procs"), nil, 0o600)
			}()
			if err := endGroup(t.Context(), root, "own"); err != nil {
				t.Error(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if status, ok := left.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Errorf("the process ended with %v, want SIGKILL", left.ProcessState)
			}
		})
	}
}

func TestEndGroupNeedsAGroup(t *testing.T) {
	root := cgroup(t, map[string]string{"cgroup.procs": ""})
	if err := endGroup(t.Context(), root, "none-yet"); err != nil {
		t.Errorf("a group that is not there: %v", err)
	}
	for _, group := range []string{"", ".", "..", "/own"} {
		if err := endGroup(t.Context(), root, group); err == nil || !strings.Contains(err.Error(), "not the name of a cgroup") {
			t.Errorf("group %q: %v, want a refusal", group, err)
		}
	}
}
