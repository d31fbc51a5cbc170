package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoDataOfAnEarlierServer checks that a layer that was changed on the volume is
// neither used nor kept.
func TestNoDataOfAnEarlierServer(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	first, earlier, err := newData(dir)
	if err != nil || len(earlier) != 0 {
		t.Fatal(earlier, err)
	}
	layer := filepath.Join(first, "overlay2", "id", "diff", "tool")
	for _, name := range []string{layer, filepath.Join(dir, "overlay2", "tool"), outside} { // also of servers that had no such folders
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("changed"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(first, "link")); err != nil {
		t.Fatal(err)
	}
	second, earlier, err := newData(dir)
	if err != nil || second == first || len(earlier) != 2 {
		t.Fatal(second, earlier, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := removeEarlier(ended, earlier); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(layer); err != nil {
		t.Errorf("the removal does not end with its context: %v", err)
	}
	if err := removeEarlier(t.Context(), earlier); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || filepath.Join(dir, left[0].Name()) != second {
		t.Errorf("left are %v, error %v", left, err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	if used, err := os.ReadDir(second); err != nil || len(used) != 0 {
		t.Errorf("the new folder holds %v, error %v", used, err)
	}
}

func TestDataThroughALink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "docker")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := newData(link); err == nil {
		t.Error("a link in the place of the folder was followed")
	}
}

// Nothing outside of a daemon's folder is unmounted.
func TestUnmountBelowAFolderOnly(t *testing.T) {
	for _, path := range []string{"", "/", "//", "data"} {
		if err := unmountBelow(path); err == nil || !strings.Contains(err.Error(), "not a folder of a daemon") {
			t.Errorf("below %q: %v, want a refusal", path, err)
		}
	}
}

func TestUnescape(t *testing.T) {
	if got := unescape(`/a\040b\134\011`); got != "/a b\\\t" {
		t.Errorf("got %q", got)
	}
	if got := unescape(`/a\04`); got != `/a\04` {
		t.Errorf("got %q", got)
	}
}
