//go:build stack

package kit

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Runs tells whether a process runs on the machine, in a container or not, whose
// command line holds marker. A build's steps don't show in the engine's list of
// containers.
func Runs(t testing.TB, marker string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(marker)) { // an error: it has ended
			return true
		}
	}
	return false
}
