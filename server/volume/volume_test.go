package volume

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// reversing replaces the enclave: it shows that what is stored on the disk is
// what the sealer returned, and that names are bound. The real one is tested in
// package enclave.
type reversing struct{}

var errNotOurs = errors.New("not ours")

func (reversing) Seal(name string, text []byte) ([]byte, error) {
	sealed := append([]byte(name+"\n"), text...)
	slices.Reverse(sealed)
	return sealed, nil
}

func (reversing) Unseal(name string, sealed []byte) ([]byte, error) {
	text := slices.Clone(sealed)
	slices.Reverse(text)
	text, ok := bytes.CutPrefix(text, []byte(name+"\n"))
	if !ok {
		return nil, errNotOurs
	}
	return text, nil
}

func openAt(t *testing.T, dir string) *Volume {
	t.Helper()
	v, err := Open(dir, reversing{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func TestSealedSecrets(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	if _, err := v.Secrets().Get("parameters"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	for name, secret := range map[string]string{"parameters": "one", "dct/abc": "two", "dct/gun/x": "three"} {
		if err := v.Secrets().Put(name, []byte(secret)); err != nil {
			t.Fatal(err)
		}
		got, err := v.Secrets().Get(name)
		if err != nil || string(got) != secret {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	names, err := v.Secrets().List("dct/")
	if err != nil || !slices.Equal(names, []string{"dct/abc", "dct/gun/x"}) {
		t.Errorf("listed %q, %v", names, err)
	}
	if err := v.Secrets().Remove("dct/gun/x"); err != nil {
		t.Error(err)
	}
	_, err = v.Secrets().Get("dct/gun/x")
	if again := v.Secrets().Remove("dct/gun/x"); !errors.Is(err, fs.ErrNotExist) || !errors.Is(again, fs.ErrNotExist) {
		t.Errorf("after it was removed: %v, %v", err, again)
	}
	for _, name := range []string{"", ".", "../x", "/x", "a/../../b", "x.partial"} {
		if err := v.Secrets().Put(name, nil); err == nil {
			t.Errorf("%q was accepted as a name", name)
		}
		if err := v.Secrets().Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q to be removed: %v", name, err)
		}
	}
}

// TestFileThatCannotBeUnsealed checks that such a file is named and left alone.
func TestFileThatCannotBeUnsealed(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	if err := v.Secrets().Put("parameters", []byte("x")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sealed", "parameters")
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := v.Secrets().Get("parameters")
	if !errors.Is(err, errNotOurs) || !strings.Contains(err.Error(), "sealed/parameters") {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "damaged" {
		t.Errorf("the file now holds %q, %v", content, err)
	}
}

func TestOneServerAtATime(t *testing.T) {
	dir := t.TempDir()
	first := openAt(t, dir)
	if _, err := Open(dir, reversing{}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir)
}

func TestLeftoversAreRemovedAtOpen(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	build, err := v.Builds().Create("2021-02-10_15-37-37.178350")
	if err != nil {
		t.Fatal(err)
	}
	partial, err := build.CreateManifest("manifest.x.tbz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := partial.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := build.SaveRecord([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.Work(), "scratch"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir)
	var left []string
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			left = append(left, entry.Name())
		}
		return err
	})
	if err != nil || !slices.Equal(left, []string{"record.json", "lock"}) {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestPartialIsAllOrNothing(t *testing.T) {
	v := openAt(t, t.TempDir())
	build, err := v.Builds().Create("2021-02-10_15-37-37.178350")
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string, end func(AtomicFile) error) {
		t.Helper()
		p, err := build.CreateManifest("m")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(p, text); err != nil {
			t.Fatal(err)
		}
		again, err := p.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(again); err != nil || string(got) != text {
			t.Errorf("read %q again, %v", got, err)
		}
		if err := end(p); err != nil {
			t.Fatal(err)
		}
	}
	write("abandoned", (AtomicFile).Discard)
	if _, err := build.Manifest("m"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	write("first", (AtomicFile).Commit)
	write("abandoned", (AtomicFile).Discard)
	file, err := build.Manifest("m")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := io.ReadAll(file); err != nil || string(got) != "first" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBuilds(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	ids := []string{"2021-02-10_15-37-37.178350", "2020-02-10_15-37-37.178350", "2021-02-10_15-37-37.178351"}
	for _, id := range ids {
		if _, err := v.Builds().Create(id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Builds().Create(ids[0]); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "builds", "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	got, err := v.Builds().IDs()
	if want := []string{ids[2], ids[0], ids[1]}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want newest first: %q", got, err, want)
	}
	for _, id := range []string{"", "..", "../builds/" + ids[0], "2019-02-10_15-37-37.178350", ids[0] + "/x"} {
		if _, err := v.Builds().Open(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v, want fs.ErrNotExist", id, err)
		}
	}
}
