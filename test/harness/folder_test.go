package harness

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestClaimRefusesFolderWithOtherFiles(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, configName)
	write(t, other)
	if _, _, err := claim(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("claim returned %v, want that there is no earlier stack", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("the file of someone else: %v", err)
	}
}

func TestClaimRefusesAFolderInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	_, release, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := claim(dir); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second claim returned %v, want that the folder is locked", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	_, release, err = claim(dir)
	if err != nil {
		t.Fatalf("claim after release: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func TestClaimRemovesFilesOfEarlierStack(t *testing.T) {
	dir := t.TempDir()
	f, release, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	made := []string{readyName, descriptionName, configName, configName + ".2026-01-02_03-04-05.678901",
		".SBContainer-some-uuid", ".SBContainer-some-uuid.d/client-ca.pem", "parts/registry/htpasswd"}
	const saved = "manifest.some.build.sig.tbz"
	for _, name := range append(made, saved) {
		write(t, f.path(name))
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}

	_, release, err = claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range made {
		if _, err := os.Stat(f.path(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s still exists: %v", name, err)
		}
	}
	if _, err := os.Stat(f.path(saved)); err != nil {
		t.Errorf("the user's file: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
}
