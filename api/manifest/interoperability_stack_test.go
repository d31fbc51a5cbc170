//go:build stack

package manifest

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestPythonReadsIt has Python's tarfile and bz2 take a manifest of several
// streams apart.
func TestPythonReadsIt(t *testing.T) {
	const script = `
import sys, tarfile
with tarfile.open(sys.argv[1], "r:bz2") as outer:
    inner = outer.next()
    with tarfile.open(fileobj=outer.extractfile(inner), mode="r:bz2") as archive:
        names = archive.getnames()
        random = archive.extractfile("git/random").read()
    print(inner.name, outer.next().name, outer.next(), len(names), len(random), random[-1])
`
	random := make([]byte, 2*tbzStream+1000)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(random) // never fails
	random[len(random)-1] = 42
	file := filepath.Join(t.TempDir(), "signed")
	tree := fstest.MapFS{"random": {Data: random, Mode: 0o644}}
	if err := os.WriteFile(file, signed(t, contents("{}", tree), goldenKey(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), "python3", "-c", script, file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	// The folders data and git, the record, the log, and the file.
	want := []string{name + ".tbz", name + ".sig", "None", "5", "1801000", "42"}
	if fields := strings.Fields(string(got)); !slices.Equal(fields, want) {
		t.Errorf("python reads %q, want %q", fields, want)
	}
}
