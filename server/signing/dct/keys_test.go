package dct

// The sealed store of the tests: in memory, and able to fail.

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/kit/memstore"
	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

var errDisk = errors.New("disk on fire")

func newKey(t testing.TB) data.PrivateKey {
	t.Helper()
	key, err := utils.GenerateKey(data.ECDSAKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyStoreKeepsKeys(t *testing.T) {
	keys := memstore.New()
	store := &keyStore{keys: keys}
	root, targets := newKey(t), newKey(t)
	if err := store.AddKey(trustmanager.KeyInfo{Role: data.CanonicalRootRole, Gun: "dropped"}, root); err != nil {
		t.Fatal(err)
	}
	if err := store.AddKey(trustmanager.KeyInfo{Role: data.CanonicalTargetsRole, Gun: "localhost/ns/app"}, targets); err != nil {
		t.Fatal(err)
	}
	keys.Entries[statePrefix+root.ID()] = []byte("no key") // what is remembered is not listed

	again := &keyStore{keys: keys}
	got, role, err := again.GetKey(targets.ID())
	if err != nil || role != data.CanonicalTargetsRole || string(got.Private()) != string(targets.Private()) {
		t.Errorf("targets key came back as role %q, error %v, or with another private key", role, err)
	}
	listed := again.ListKeys()
	want := map[string]trustmanager.KeyInfo{
		root.ID():    {Role: data.CanonicalRootRole},
		targets.ID(): {Role: data.CanonicalTargetsRole, Gun: "localhost/ns/app"},
	}
	if !maps.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
	if err := again.RemoveKey(root.ID()); err == nil {
		t.Error("a key was removed")
	}
	if again.failure != nil {
		t.Errorf("failure kept: %v", again.failure)
	}
}

func TestKeyStoreAbsentKey(t *testing.T) {
	for _, id := range []string{newKey(t).ID(), "", "../../etc/passwd", "gun/" + newKey(t).ID(), strings.ToUpper(newKey(t).ID() + "aa")[2:]} {
		keys := memstore.New()
		if !isHexDigest(id) {
			keys.Entries[keyPrefix+id] = []byte("what no key id may reach")
		}
		store := &keyStore{keys: keys}
		_, _, err := store.GetKey(id)
		if missing := (trustmanager.ErrKeyNotFound{}); !errors.As(err, &missing) {
			t.Errorf("key %q: %v, want ErrKeyNotFound", id, err)
		}
		if store.failure != nil {
			t.Errorf("key %q counts as a failure of the store: %v", id, store.failure)
		}
	}
}

func TestKeyStoreFailures(t *testing.T) {
	key, other := newKey(t), newKey(t)
	sealed, err := encodeKey(trustmanager.KeyInfo{Role: data.CanonicalRootRole}, key)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		prepare func(*memstore.Store)
		want    error
	}{
		"unreadable":      {func(m *memstore.Store) { m.Failing["Get"] = errDisk }, errDisk},
		"unlistable":      {func(m *memstore.Store) { m.Failing["List"] = errDisk }, errDisk},
		"unwritable":      {func(m *memstore.Store) { m.Failing["Put"] = errDisk; delete(m.Entries, keyPrefix+key.ID()) }, errDisk},
		"damaged":         {func(m *memstore.Store) { m.Entries[keyPrefix+key.ID()] = sealed[:100] }, nil},
		"under wrong id":  {func(m *memstore.Store) { m.Entries[keyPrefix+other.ID()] = sealed }, nil},
		"of version zero": {func(m *memstore.Store) { m.Entries[keyPrefix+key.ID()] = []byte(`{}`) }, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			keys := memstore.New()
			keys.Entries[keyPrefix+key.ID()] = sealed
			test.prepare(keys)
			before := len(keys.Entries)
			store := &keyStore{keys: keys}
			_, err := newCryptoService(store).Create(data.CanonicalRootRole, "", data.ECDSAKey)
			var failure *KeyStoreError
			if !errors.As(err, &failure) || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("error %v, want a KeyStoreError of %v", err, test.want)
			}
			if len(keys.Entries) != before {
				t.Error("a second root key was made although the first may exist")
			}
		})
	}
}

func TestCreateReusesKeys(t *testing.T) {
	keys := memstore.New()
	create := func(role data.RoleName, gun data.GUN) string {
		t.Helper()
		key, err := newCryptoService(&keyStore{keys: keys}).Create(role, gun, data.ECDSAKey)
		if err != nil {
			t.Fatal(err)
		}
		return key.ID()
	}
	root, targets := create(data.CanonicalRootRole, ""), create(data.CanonicalTargetsRole, "localhost/ns/app")
	if create(data.CanonicalRootRole, "") != root || create(data.CanonicalTargetsRole, "localhost/ns/app") != targets {
		t.Error("a second key was made for the same role and GUN")
	}
	if create(data.CanonicalTargetsRole, "localhost/ns/other") == targets {
		t.Error("two GUNs share a targets key")
	}
}
