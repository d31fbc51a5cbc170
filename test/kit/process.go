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

// Runs reports whether a process runs on the machine, in a container or not, whose
// command line holds marker. A build's steps don't show in the engine's list of
// containers.
func ProcessRuns(t testing.TB, marker string) bool {
	t.Helper()
	return len(processes(t, marker)) > 0
}

// Kill ends the processes whose command line holds marker: the steps of a build.
func KillProcesses(t testing.TB, marker string) {
	t.Helper()
	for _, id := range processes(t, marker) {
		if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
			t.Errorf("kill process %d: %v", id, err)
		}
	}
}

// processes returns the ids of the processes whose command line holds marker.
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
