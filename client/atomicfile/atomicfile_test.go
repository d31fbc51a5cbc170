package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestWriteReplacesWithItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "new" {
		t.Errorf("got %q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names := files(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("remain: %v", names)
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	file, err := Create(folder, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := file.Discard(); err != nil {
		t.Fatal(err)
	}
	if names := files(t, folder); len(names) != 0 {
		t.Errorf("remain: %v", names)
	}
}

func TestDiscardAfterCommitKeepsTheFile(t *testing.T) {
	folder := t.TempDir()
	file, err := Create(folder, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Commit("name"), file.Discard()); err != nil {
		t.Fatal(err)
	}
	if names := files(t, folder); len(names) != 1 || names[0] != "name" {
		t.Errorf("files: %v", names)
	}
}

func TestCommitThatFailsLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "taken", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := Create(folder, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Commit("taken"); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if names := files(t, folder); len(names) != 1 || names[0] != "taken" {
		t.Errorf("files: %v", names)
	}
}
