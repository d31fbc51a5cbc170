//go:build stack

package kit

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// ProcessRuns reports whether a process with marker in its command line runs on the
// machine, in a container or not. The steps of a build are not in the engine's
// list of containers.
func ProcessRuns(t testing.TB, marker string) bool {
	t.Helper()
	return len(processes(t, marker)) > 0
}

// KillProcesses kills the processes with marker in their command line, such as the
// steps of a build.
func KillProcesses(t testing.TB, marker string) {
	t.Helper()
	for _, id := range processes(t, marker) {
		if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
			t.Errorf("kill process %d: %v", id, err)
		}
	}
}

// processes returns the ids of the processes with marker in their command line.
func processes(t testing.TB, marker string) (ids []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(marker)) { // an error: it has ended
			continue
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}
