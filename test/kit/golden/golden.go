// Package golden compares what a test made with a golden file, byte for byte. The tests
// of a package write their golden files again with the flag -update.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files again")

// maxShown bounds how much of a difference is shown, in bytes.
const maxShown = 3000

// Check compares got with the file of that name in testdata, and returns the content of
// the file.
func Check(t testing.TB, name string, got []byte) (want []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the form has changed, which has to be meant: %d bytes, where %s has %d (-update writes it again); got\n%.*q\nwant\n%.*q",
			len(got), file, len(want), maxShown, got, maxShown, want)
	}
	return want
}
