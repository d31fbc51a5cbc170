package daemon

// The kernel's part (that runc then starts containers) shows only on a machine
// with cgroup v2; here files stand for the kernel's.

import (
	"os"
	"path/filepath"
	"testing"
)

// cgroup makes a folder with the files of a cgroup.
func cgroup(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLeaveRoot(t *testing.T) {
	root := cgroup(t, map[string]string{
		"cgroup.type":            "domain\n",
		"cgroup.controllers":     "cpu memory pids\n",
		"cgroup.procs":           "1\n7\n",
		"cgroup.subtree_control": "",
		"server/cgroup.procs":    "",
	})
	if err := leaveRoot(root); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"server/cgroup.procs":    "1\n7\n",
		"cgroup.subtree_control": "+cpu\n+memory\n+pids\n",
	} {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
}

func TestLeaveRootLeavesOthersAlone(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"the machine's own root": {"cgroup.controllers": "cpu\n", "cgroup.procs": "1\n"},
		"cgroup v1":              {"cpu/tasks": "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			root := cgroup(t, files)
			if err := leaveRoot(root); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(root, ownGroup)); !os.IsNotExist(err) {
				t.Errorf("a group was made: %v", err)
			}
		})
	}
}

func TestLeaveRootFails(t *testing.T) {
	root := cgroup(t, map[string]string{
		"cgroup.type": "domain\n", "cgroup.controllers": "cpu\n", "cgroup.procs": "1\n", "server/cgroup.procs": "",
	})
	if err := leaveRoot(root); err == nil {
		t.Error("controllers that could not be handed on are no error")
	}
}
