package dct

import (
	"errors"
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/notary"
	"github.com/opensbs/sbs/test/kit/memstore"
)

const (
	server = "notary.example.com"
	gun    = "registry.example.com/ns/app"
)

func TestRollbackState(t *testing.T) {
	m := memstore.New()
	if state, err := load(m, server, gun); err != nil || state != (rollbackState{}) {
		t.Errorf("an empty store has %+v, %v", state, err)
	}
	if state, err := load(nil, server, gun); err != nil || state != (rollbackState{}) {
		t.Errorf("without a store: %+v, %v", state, err)
	}
	saved := rollbackState{Server: server, GUN: gun, RootKeyID: strings.Repeat("0a", 32), Highest: notary.Versions{Root: 1, Targets: 2, Snapshot: 3, Timestamp: 4}}
	if err := errors.Join(save(m, saved), save(nil, saved)); err != nil {
		t.Fatal(err)
	}
	saved.Version = 1
	if state, err := load(m, server, gun); err != nil || state != saved {
		t.Errorf("%+v, %v", state, err)
	}
	name := RecordName(server, gun)
	sound := string(m.Entries[name])
	for _, other := range [][2]string{{server, gun + "s"}, {"other.example.com", gun}} {
		if state, err := load(m, other[0], other[1]); err != nil || state != (rollbackState{}) {
			t.Errorf("%v shares a record: %+v, %v", other, state, err)
		}
		m.Entries[RecordName(other[0], other[1])] = []byte(sound)
		if _, err := load(m, other[0], other[1]); err == nil {
			t.Errorf("%v accepts the record of another repository", other)
		}
	}
	for _, damaged := range []string{"", "{}", sound + "{}", sound + "}", strings.Replace(sound, `"version":1`, `"version":2`, 1),
		strings.Replace(sound, saved.RootKeyID, "", 1), strings.Replace(sound, `"seen"`, `"more":1,"seen"`, 1), strings.Repeat(" ", maxRecord) + sound} {
		m.Entries[name] = []byte(damaged)
		if state, err := load(m, server, gun); err == nil {
			t.Errorf("%.60q was decoded as %+v", damaged, state)
		}
	}
	disk := errors.New("disk on fire")
	m.Failing["Get"], m.Failing["Put"] = disk, disk
	if _, err := load(m, server, gun); !errors.Is(err, disk) {
		t.Errorf("a store that can't be read: %v", err)
	}
	if err := save(m, saved); !errors.Is(err, disk) {
		t.Errorf("a store that can't be written: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"server":"notary.example.com","gun":"registry.example.com/ns/app","root_key_id":"0a","seen":{"root":1,"targets":2,"snapshot":3,"timestamp":4}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		state, err := decodeRecord(text, server, gun)
		if err != nil {
			return
		}
		m := memstore.New()
		if err := save(m, state); err != nil {
			t.Fatal(err)
		}
		if again, err := load(m, server, gun); err != nil || again != state {
			t.Errorf("%+v came back as %+v, %v", state, again, err)
		}
	})
}

func TestChoose(t *testing.T) {
	first, second := notary.RootKey{ID: "first", Canonical: "one"}, notary.RootKey{ID: "second", Canonical: "two"}
	state := rollbackState{RootKeyID: "first"}
	for name, test := range map[string]struct {
		demanded  Root
		state     rollbackState
		published []notary.RootKey
		want      string // empty: refused
	}{
		"first sight":                     {Root{}, rollbackState{}, []notary.RootKey{first}, "first"},
		"first sight of several":          {Root{}, rollbackState{}, []notary.RootKey{first, second}, ""},
		"first sight of none":             {Root{}, rollbackState{}, []notary.RootKey{}, ""},
		"remembered":                      {Root{}, state, []notary.RootKey{first}, "first"},
		"seen before, with another":       {Root{}, state, []notary.RootKey{second, first}, "first"},
		"remembered and changed":          {Root{}, state, []notary.RootKey{second}, ""},
		"required":                        {Root{id: "second"}, rollbackState{}, []notary.RootKey{first, second}, "second"},
		"required by the bare key":        {Root{id: "x", canonical: "two"}, rollbackState{}, []notary.RootKey{first, second}, "second"},
		"required, another is there":      {Root{id: "second"}, rollbackState{}, []notary.RootKey{first}, ""},
		"required against the remembered": {Root{id: "second"}, state, []notary.RootKey{second}, "second"},
		"remembered against the required": {Root{id: "second"}, state, []notary.RootKey{first}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := Verifier{Root: test.demanded}.choose(test.state, test.published)
			changed := new(signature.RootChangedError)
			seen := test.demanded.IsZero() && test.state.RootKeyID == ""
			if root.ID != test.want || (err == nil) != (test.want != "") || err != nil && errors.As(err, &changed) == seen {
				t.Errorf("chose %q, %v", root.ID, err)
			}
		})
	}
}
