package volume

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// marked replaces an enclave with two secrets: a text that it seals begins with
// the mark of the current secret.
type marked struct{ current string }

func (m marked) Seal(name string, text []byte) ([]byte, error) {
	return append([]byte(m.current+name+"\n"), text...), nil
}

func (m marked) Unseal(name string, sealed []byte) ([]byte, error) {
	for _, mark := range []string{"1", "2"} {
		if text, ok := bytes.CutPrefix(sealed, []byte(mark+name+"\n")); ok {
			return text, nil
		}
	}
	return nil, errNotOurs
}

func (m marked) needsReseal(sealed []byte) bool { return !bytes.HasPrefix(sealed, []byte(m.current)) }

func TestReseal(t *testing.T) {
	dir := t.TempDir()
	old, err := Open(dir, marked{"1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/damaged", "manifest/key", "dct/gun/x"} {
		if err := old.Secrets().Put(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, folderSealed, "a", "damaged")
	if err := os.WriteFile(damaged, []byte("1damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := Open(dir, marked{"2"})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for range 2 { // the second time there is nothing left to do
		if err := v.Secrets().Reseal(marked{"2"}.needsReseal); !errors.Is(err, errNotOurs) {
			t.Errorf("got %v, want the damaged file's error", err)
		}
		for _, name := range []string{"manifest/key", "dct/gun/x"} {
			content, err := os.ReadFile(filepath.Join(dir, folderSealed, name))
			if err != nil || string(content) != "2"+name+"\n"+name {
				t.Errorf("%s: %q, %v", name, content, err)
			}
		}
		if content, err := os.ReadFile(damaged); err != nil || string(content) != "1damaged" {
			t.Errorf("the damaged file holds %q, %v", content, err)
		}
	}
}
