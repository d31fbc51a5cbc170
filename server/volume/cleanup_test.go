package volume

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestOpenRemovesTemporaryFiles checks that opening a volume removes the temporary files of
// interrupted writes in all folders, and nothing else.
func TestOpenRemovesTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	finished(t, v, testID)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	want := files(t, dir)
	for _, name := range []string{
		"job.json.partial", "sealed/parameters.partial", "work/clone",
		"builds/" + testID + "/manifest.y.sig.tbz.partial", "builds/" + testID + "/record.json.partial", "builds/other/x.partial",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openAt(t, dir)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

// files are the names of all files beneath dir.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
