package transfer

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	signer "github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/signature/dct"
)

// ofOurs returns the record of trust data of a repository of ours that was seen at a
// version, and the name under which it is sealed.
func ofOurs(version int) (name, record string) { return trustRecord("dct/gun/", "0a", version) }

// ofBase returns the same for base images, under a root.
func ofBase(root string, version int) (name, record string) {
	return trustRecord("dct/base/", root, version)
}

func trustRecord(prefix, root string, version int) (name, record string) {
	const server, gun = "notary.example.com", "registry.example.com/ns/app"
	sum := sha256.Sum256([]byte(server + "\n" + gun))
	return fmt.Sprintf("%s%x", prefix, sum), fmt.Sprintf(
		`{"version":1,"server":%q,"gun":%q,"root_key_id":%q,"seen":{"root":1,"targets":%d,"snapshot":%d,"timestamp":%d}}`,
		server, gun, strings.Repeat(root, 32), version, version, version)
}

// builtWithTrust returns a fixture whose sealed names are those of trust data too.
func builtWithTrust(t *testing.T) *fixture {
	t.Helper()
	f := built(t)
	f.Sealed = slices.Concat(declared(), signer.Sealed()[1:], stateimage.Declarations{{Name: dct.RecordPrefix, Travels: true, Merge: dct.MergeRecords}})
	f.put(ofOurs(5))
	return f
}

func (f *fixture) imports(state string) {
	f.t.Helper()
	if err := f.Import(secret, state); err != nil {
		f.t.Fatal(err)
	}
}

// TestForkedState: what a server has seen of trust data survives the state of a
// fork that was exported more often and has seen less.
func TestForkedState(t *testing.T) {
	f := builtWithTrust(t)
	f.put(ofBase("0b", 1))
	early := f.export()
	f.put(ofOurs(9))
	f.put(ofBase("0b", 9))

	fork := newFixture(t)
	fork.Sealed = f.Sealed
	fork.imports(early)
	fork.init("namespace/name", secret)
	var forked string
	for range 3 {
		forked = fork.export()
	}
	for _, state := range []string{early, forked} {
		f.imports(state)
		for _, expected := range []func() (string, string){func() (string, string) { return ofOurs(9) }, func() (string, string) { return ofBase("0b", 9) }} {
			name, want := expected()
			if got := f.get(name); got != want {
				t.Errorf("%s went back to %s", name, got)
			}
		}
	}
	// And the other way: the fork learns.
	fork.imports(f.export())
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
			f, other := builtWithTrust(t), builtWithTrust(t)
			if test.ours != nil {
				f.put(test.ours())
			}
			if test.theirs != nil {
				other.put(test.theirs())
			}
			f.imports(other.export())
			if name, want := test.want(); f.get(name) != want {
				t.Errorf("kept %s, want %s", f.get(name), want)
			}
		})
	}
}
