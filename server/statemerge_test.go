package server

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/stateimage"
)

// ofOurs is what is remembered of a repository of ours that was seen at a
// version, and the name under which it is sealed.
func ofOurs(version int) (name, record string) { return remembered("dct/gun/", "0a", version) }

// ofBase is the same of base images, under a root.
func ofBase(root string, version int) (name, record string) {
	return remembered("dct/base/", root, version)
}

func remembered(prefix, root string, version int) (name, record string) {
	const server, gun = "notary.example.com", "registry.example.com/ns/app"
	sum := sha256.Sum256([]byte(server + "\n" + gun))
	return fmt.Sprintf("%s%x", prefix, sum), fmt.Sprintf(
		`{"version":1,"server":%q,"gun":%q,"root_key_id":%q,"seen":{"root":1,"targets":%d,"snapshot":%d,"timestamp":%d}}`,
		server, gun, strings.Repeat(root, 32), version, version, version)
}

// TestForkedState: what a server has seen of trust data survives the state of a
// fork that was exported more often and has seen less.
func TestForkedState(t *testing.T) {
	image := t.TempDir()
	f := built(t, image)
	f.put(ofBase("0b", 1))
	early := f.export("{}").State
	f.put(ofOurs(9))
	f.put(ofBase("0b", 9))

	fork := newFixture(t).inImage(image)
	fork.answer("POST", "/state-image", importing(t, secret, early), http.StatusOK)
	fork.answer("PATCH", "/image", parametersWith(), http.StatusOK)
	var forked string
	for range 3 {
		forked = fork.export("{}").State
	}
	for _, state := range []string{early, forked} {
		f.answer("POST", "/state-image", importing(t, secret, state), http.StatusOK)
		for _, expected := range []func() (string, string){func() (string, string) { return ofOurs(9) }, func() (string, string) { return ofBase("0b", 9) }} {
			name, want := expected()
			if got := f.get(name); got != want {
				t.Errorf("%s went back to %s", name, got)
			}
		}
	}
	// And the other way: the fork learns.
	fork.answer("POST", "/state-image", importing(t, secret, f.export("{}").State), http.StatusOK)
	if name, want := ofBase("0b", 9); fork.get(name) != want {
		t.Errorf("the fork has %s", fork.get(name))
	}
}

// TestMergedRecords: each file's version counts by itself.
func TestMergedRecords(t *testing.T) {
	for name, test := range map[string]struct{ ours, theirs, want func() (string, string) }{
		"a higher timestamp there": {
			func() (string, string) { return ofOurs(5) },
			func() (string, string) {
				name, record := ofOurs(4)
				return name, strings.Replace(record, `"timestamp":4`, `"timestamp":8`, 1)
			},
			func() (string, string) {
				name, record := ofOurs(5)
				return name, strings.Replace(record, `"timestamp":5`, `"timestamp":8`, 1)
			},
		},
		"leave to forget there": {
			func() (string, string) { return ofOurs(5) },
			func() (string, string) {
				name, record := ofOurs(6)
				return name, strings.Replace(record, `}}`, `},"forgotten":true}`, 1)
			},
			func() (string, string) { return ofOurs(6) },
		},
		"another root there": {
			func() (string, string) { return ofBase("0b", 5) },
			func() (string, string) { return ofBase("0c", 9) },
			func() (string, string) { return ofBase("0b", 5) },
		},
		"nothing here": {
			nil,
			func() (string, string) { return ofBase("0c", 9) },
			func() (string, string) { return ofBase("0c", 9) },
		},
		"nothing there": {
			func() (string, string) { return ofBase("0b", 5) },
			nil,
			func() (string, string) { return ofBase("0b", 5) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := t.TempDir()
			f, other := built(t, image), built(t, image)
			if test.ours != nil {
				f.put(test.ours())
			}
			if test.theirs != nil {
				other.put(test.theirs())
			}
			f.answer("POST", "/state-image", importing(t, secret, other.export("{}").State), http.StatusOK)
			if name, want := test.want(); f.get(name) != want {
				t.Errorf("kept %s, want %s", f.get(name), want)
			}
		})
	}
}

// TestUndeclaredNames stay on their volume, and are refused in a state.
func TestUndeclaredNames(t *testing.T) {
	image := t.TempDir()
	f := built(t, image)
	f.put("new/secret", "of a package that declared nothing")
	second := newFixture(t).inImage(image)
	second.answer("POST", "/state-image", importing(t, secret, f.export("{}").State), http.StatusOK)
	if _, err := second.Volume.Secrets().Get("new/secret"); err == nil {
		t.Error("a name that nobody declared travelled")
	}
	f.Transfer.Sealed = append(f.Transfer.Sealed, stateimage.Sealed{Name: "new/secret", Travels: true})
	newer := f.export("{}").State
	before := second.files()
	if got := second.answer("POST", "/state-image", importing(t, secret, newer), http.StatusConflict); !strings.Contains(got.Status, "does not know") {
		t.Errorf("got %+v", got)
	}
	if !maps.Equal(before, second.files()) {
		t.Error("the volume has changed")
	}
}

// TestOlderStates: no key is lost.
func TestOlderStates(t *testing.T) {
	f := built(t, t.TempDir())
	older := f.export("{}").State
	f.put("dct/new", "a new key")
	f.answer("POST", "/state-image", importing(t, secret, older), http.StatusConflict)
	f.answer("POST", "/state-image", importing(t, secret, f.export("{}").State), http.StatusOK)
}
