package dct

import (
	"errors"
	"testing"

	"github.com/opensbs/sbs/signature/notary"
	"github.com/opensbs/sbs/test/kit/memstore"
)

func TestPin(t *testing.T) {
	var (
		first   = notary.RootKey{ID: "cert-1", Canonical: "key-1"}
		renewed = notary.RootKey{ID: "cert-2", Canonical: "key-1"}
		foreign = notary.RootKey{ID: "cert-3", Canonical: "key-3"}
	)
	bound := rollbackState{RootKeyID: "cert-1"}
	forgotten := rollbackState{RootKeyID: "cert-1", Forgotten: true}
	tests := map[string]struct {
		state     rollbackState
		published []notary.RootKey
		want      string // id; empty: refused
	}{
		"remembered":                            {bound, []notary.RootKey{first}, "cert-1"},
		"remembered, second":                    {bound, []notary.RootKey{foreign, first}, "cert-1"},
		"remembered, replaced":                  {bound, []notary.RootKey{foreign}, ""},
		"remembered, our key, other cert":       {bound, []notary.RootKey{renewed}, ""},
		"remembered, none published":            {bound, nil, ""},
		"not remembered, ours":                  {rollbackState{}, []notary.RootKey{first}, "cert-1"},
		"not remembered, foreign":               {rollbackState{}, []notary.RootKey{foreign}, ""},
		"not remembered, none published":        {rollbackState{}, nil, ""},
		"forgotten, ours":                       {forgotten, []notary.RootKey{renewed}, "cert-2"},
		"forgotten, foreign stays refused":      {forgotten, []notary.RootKey{foreign}, ""},
		"forgotten, ours after another's entry": {forgotten, []notary.RootKey{foreign, renewed}, "cert-2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			key, ours, err := test.state.pin(test.published, func(id string) (bool, error) { return id == "key-1", nil })
			if err != nil || ours != (test.want != "") || key.ID != test.want && ours {
				t.Errorf("pinned %q (%v, error %v), want %q", key.ID, ours, err, test.want)
			}
		})
	}
	if _, ours, err := (rollbackState{}).pin([]notary.RootKey{first}, func(string) (bool, error) { return false, errDisk }); ours || !errors.Is(err, errDisk) {
		t.Errorf("with an unreadable key store: %v, %v", ours, err)
	}
}

func TestRollback(t *testing.T) {
	state := rollbackState{RootKeyID: "cert-1", Highest: notary.Versions{Root: 1, Targets: 5, Snapshot: 6, Timestamp: 7}}
	for want, now := range map[string]notary.Versions{
		"":          {Root: 1, Targets: 5, Snapshot: 6, Timestamp: 9},
		"root":      {Root: 0, Targets: 5, Snapshot: 6, Timestamp: 7},
		"targets":   {Root: 1, Targets: 4, Snapshot: 6, Timestamp: 7},
		"snapshot":  {Root: 1, Targets: 5, Snapshot: 5, Timestamp: 7},
		"timestamp": {Root: 1, Targets: 5, Snapshot: 6, Timestamp: 6},
	} {
		back := state.wentBack(now)
		if back == nil && want != "" || back != nil && back.Role != want {
			t.Errorf("%+v: %v, want %q", now, back, want)
		}
	}
	state.Forgotten = true
	if back := state.wentBack(notary.Versions{}); back != nil {
		t.Errorf("%v although the repository was forgotten", back)
	}
}

func TestRollbackState(t *testing.T) {
	keys := memstore.New()
	id := newKey(t).ID()
	store := stateStore{keys, "localhost:4443", "localhost/ns/app"}
	if state, err := store.load(); err != nil || state.binds() {
		t.Errorf("an empty store remembers %+v, error %v", state, err)
	}
	saved := rollbackState{RootKeyID: id, Highest: notary.Versions{Root: 1, Targets: 2, Snapshot: 3, Timestamp: 4}}
	if err := store.save(saved); err != nil {
		t.Fatal(err)
	}
	state, err := store.load()
	if err != nil || state.RootKeyID != id || state.Highest != saved.Highest || !state.binds() {
		t.Errorf("remembered %+v (error %v), saved %+v", state, err, saved)
	}
	for _, other := range []stateStore{{keys, "localhost:4444", store.gun}, {keys, store.server, "localhost/ns/other"}} {
		if state, err := other.load(); err != nil || state.binds() {
			t.Errorf("%s at %s shares a record: %+v, error %v", other.gun, other.server, state, err)
		}
		keys.Entries[other.name()] = keys.Entries[store.name()]
		if _, err := other.load(); err == nil {
			t.Errorf("%s at %s takes the record of another", other.gun, other.server)
		}
	}
	for _, damaged := range []string{"", "{}", `{"version":2}`, string(keys.Entries[store.name()]) + "{}"} {
		keys.Entries[store.name()] = []byte(damaged)
		var failure *KeyStoreError
		if _, err := store.load(); !errors.As(err, &failure) {
			t.Errorf("record %q: %v, want a KeyStoreError", damaged, err)
		}
	}
	keys.Failing["Get"] = errDisk
	if _, err := store.load(); !errors.Is(err, errDisk) {
		t.Errorf("an unreadable store is mistaken for an empty one: %v", err)
	}
}
