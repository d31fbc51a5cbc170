package dct

import (
	"errors"
	"strings"
	"testing"

	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"

	canonical "github.com/docker/go/canonical/json"
)

func TestPin(t *testing.T) {
	var (
		first   = rootKey{id: "cert-1", canonical: "key-1"}
		renewed = rootKey{id: "cert-2", canonical: "key-1"}
		foreign = rootKey{id: "cert-3", canonical: "key-3"}
	)
	bound := record{RootKeyID: "cert-1"}
	forgotten := record{RootKeyID: "cert-1", Forgotten: true}
	tests := map[string]struct {
		known     record
		published []rootKey
		want      string // id; empty: refused
	}{
		"remembered":                            {bound, []rootKey{first}, "cert-1"},
		"remembered, second":                    {bound, []rootKey{foreign, first}, "cert-1"},
		"remembered, replaced":                  {bound, []rootKey{foreign}, ""},
		"remembered, our key, other cert":       {bound, []rootKey{renewed}, ""},
		"remembered, none published":            {bound, nil, ""},
		"not remembered, ours":                  {record{}, []rootKey{first}, "cert-1"},
		"not remembered, foreign":               {record{}, []rootKey{foreign}, ""},
		"not remembered, none published":        {record{}, nil, ""},
		"forgotten, ours":                       {forgotten, []rootKey{renewed}, "cert-2"},
		"forgotten, foreign stays refused":      {forgotten, []rootKey{foreign}, ""},
		"forgotten, ours after another's entry": {forgotten, []rootKey{foreign, renewed}, "cert-2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			key, ours, err := test.known.pin(test.published, func(id string) (bool, error) { return id == "key-1", nil })
			if err != nil || ours != (test.want != "") || key.id != test.want && ours {
				t.Errorf("pinned %q (%v, error %v), want %q", key.id, ours, err, test.want)
			}
		})
	}
	if _, ours, err := (record{}).pin([]rootKey{first}, func(string) (bool, error) { return false, errDisk }); ours || !errors.Is(err, errDisk) {
		t.Errorf("with an unreadable key store: %v, %v", ours, err)
	}
}

func TestWentBack(t *testing.T) {
	known := record{RootKeyID: "cert-1", Seen: versions{Root: 1, Targets: 5, Snapshot: 6, Timestamp: 7}}
	for want, now := range map[string]versions{
		"":          {Root: 1, Targets: 5, Snapshot: 6, Timestamp: 9},
		"root":      {Root: 0, Targets: 5, Snapshot: 6, Timestamp: 7},
		"targets":   {Root: 1, Targets: 4, Snapshot: 6, Timestamp: 7},
		"snapshot":  {Root: 1, Targets: 5, Snapshot: 5, Timestamp: 7},
		"timestamp": {Root: 1, Targets: 5, Snapshot: 6, Timestamp: 6},
	} {
		if role, _, _ := known.wentBack(now); role != want {
			t.Errorf("%+v: %q went back, want %q", now, role, want)
		}
	}
	known.Forgotten = true
	if role, _, _ := known.wentBack(versions{}); role != "" {
		t.Errorf("%s went back although the repository was forgotten", role)
	}
}

func TestMemory(t *testing.T) {
	keys := newKeys()
	id := newKey(t).ID()
	past := memory{keys, "localhost:4443", "localhost/ns/app"}
	if known, err := past.load(); err != nil || known.binds() {
		t.Errorf("an empty store remembers %+v, error %v", known, err)
	}
	saved := record{RootKeyID: id, Seen: versions{1, 2, 3, 4}}
	if err := past.save(saved); err != nil {
		t.Fatal(err)
	}
	known, err := past.load()
	if err != nil || known.RootKeyID != id || known.Seen != saved.Seen || !known.binds() {
		t.Errorf("remembered %+v (error %v), saved %+v", known, err, saved)
	}
	for _, other := range []memory{{keys, "localhost:4444", past.gun}, {keys, past.server, "localhost/ns/other"}} {
		if known, err := other.load(); err != nil || known.binds() {
			t.Errorf("%s at %s shares a record: %+v, error %v", other.gun, other.server, known, err)
		}
		keys.entries[other.name()] = keys.entries[past.name()]
		if _, err := other.load(); err == nil {
			t.Errorf("%s at %s takes the record of another", other.gun, other.server)
		}
	}
	for _, damaged := range []string{"", "{}", `{"version":2}`, string(keys.entries[past.name()]) + "{}"} {
		keys.entries[past.name()] = []byte(damaged)
		var failure *KeyStoreError
		if _, err := past.load(); !errors.As(err, &failure) {
			t.Errorf("record %q: %v, want a KeyStoreError", damaged, err)
		}
	}
	keys.failing["Get"] = true
	if _, err := past.load(); !errors.Is(err, errDisk) {
		t.Errorf("an unreadable store is taken for an empty one: %v", err)
	}
}

// rootJSON is a root.json with the given keys under the given ids.
func rootJSON(t testing.TB, ids []string, keys []data.PublicKey) []byte {
	t.Helper()
	role := func(ids []string) *data.RootRole { return &data.RootRole{KeyIDs: ids, Threshold: 1} }
	root := data.Root{
		SignedCommon: data.SignedCommon{Type: data.TUFTypes[data.CanonicalRootRole], Version: 1},
		Keys:         data.Keys{},
		Roles:        map[data.RoleName]*data.RootRole{},
	}
	for index, id := range ids {
		root.Keys[id] = keys[index]
	}
	for _, name := range data.BaseRoles {
		root.Roles[name] = role(ids)
	}
	signed, err := canonical.MarshalCanonical(root)
	if err != nil {
		t.Fatal(err)
	}
	raw := canonical.RawMessage(signed)
	text, err := canonical.Marshal(data.Signed{Signed: &raw})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseRoot(t *testing.T) {
	key, other := data.PublicKeyFromPrivate(newKey(t)), data.PublicKeyFromPrivate(newKey(t))
	parsed, err := parseRoot(rootJSON(t, []string{other.ID(), key.ID()}, []data.PublicKey{other, key}))
	if err != nil || len(parsed) != 2 || parsed[1].id != key.ID() || string(parsed[1].public) != string(key.Public()) {
		t.Errorf("parsed %+v, error %v", parsed, err)
	}
	if want, err := utils.CanonicalKeyID(key); err != nil || parsed[1].canonical != want {
		t.Errorf("canonical id %s, want %s", parsed[1].canonical, want)
	}
	_, err = parseRoot(rootJSON(t, []string{other.ID()}, []data.PublicKey{key}))
	if err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("a key under another's id: %v", err)
	}
}

func FuzzParseRoot(f *testing.F) {
	key := data.PublicKeyFromPrivate(newKey(f))
	f.Add(rootJSON(f, []string{key.ID()}, []data.PublicKey{key}))
	f.Add([]byte(`{"signed":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseRoot(raw)
		if err != nil {
			return
		}
		for _, key := range keys {
			if key.id == "" || key.canonical == "" || len(key.public) == 0 {
				t.Errorf("an empty key: %+v", key)
			}
		}
	})
}
