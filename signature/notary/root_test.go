package notary

import (
	"strings"
	"testing"

	canonical "github.com/docker/go/canonical/json"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

func newKey(t testing.TB) data.PublicKey {
	t.Helper()
	key, err := utils.GenerateKey(data.ECDSAKey)
	if err != nil {
		t.Fatal(err)
	}
	return data.PublicKeyFromPrivate(key)
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
	key, other := newKey(t), newKey(t)
	parsed, err := ParseRoot(rootJSON(t, []string{other.ID(), key.ID()}, []data.PublicKey{other, key}))
	if err != nil || len(parsed) != 2 || parsed[1].ID != key.ID() || string(parsed[1].Public) != string(key.Public()) {
		t.Errorf("parsed %+v, error %v", parsed, err)
	}
	if want, err := utils.CanonicalKeyID(key); err != nil || parsed[1].Canonical != want {
		t.Errorf("canonical id %s, want %s", parsed[1].Canonical, want)
	}
	_, err = ParseRoot(rootJSON(t, []string{other.ID()}, []data.PublicKey{key}))
	if err == nil || !strings.Contains(err.Error(), "does not match its id") {
		t.Errorf("a key under another's id: %v", err)
	}
}

func FuzzParseRoot(f *testing.F) {
	key := newKey(f)
	f.Add(rootJSON(f, []string{key.ID()}, []data.PublicKey{key}))
	f.Add([]byte(`{"signed":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := ParseRoot(raw)
		if err != nil {
			return
		}
		for _, key := range keys {
			if key.ID == "" || key.Canonical == "" || len(key.Public) == 0 {
				t.Errorf("an empty key: %+v", key)
			}
		}
	})
}
