package dct

// The library's key store, over the sealed one.

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/theupdateframework/notary/cryptoservice"
	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf/data"

	"github.com/opensbs/sbs/server/stateimage"
)

// Keys is the sealed store: what is put is sealed, what is got is opened, and
// it is never in clear anywhere else. Names are "dct/<key id>" and
// "dct/gun/<hex>", ids and hex being 64 lower-case hex digits. It is used by
// one Sign at a time.
type Keys interface {
	// Get opens an entry. errors.Is(err, fs.ErrNotExist) when it is absent.
	Get(name string) ([]byte, error)
	// Put seals an entry, replacing an older one; it is durable when Put returns.
	Put(name string, secret []byte) error
	// List returns the full names of all entries that begin with prefix.
	List(prefix string) ([]string, error)
}

const keyPrefix = "dct/"

// Sealed declares what this package seals and what travels with the state: keys,
// and the states of repositories.
func Sealed() []stateimage.Sealed {
	return []stateimage.Sealed{{Name: keyPrefix, Travels: true}, {Name: statePrefix, Travels: true, Merge: mergeRecords}}
}

// keyStore implements trustmanager.KeyStore for one Sign. The library drops
// the errors of some calls; the first failure of the sealed store is
// therefore kept as well, because a key that merely cannot be read must never
// be taken for one that does not exist.
type keyStore struct {
	keys    Keys
	failure error
}

var _ trustmanager.KeyStore = (*keyStore)(nil)

func (k *keyStore) fail(operation string, err error) error {
	err = &KeyStoreError{Operation: operation, Err: err}
	if k.failure == nil {
		k.failure = err
	}
	return err
}

// AddKey seals a key; the library's rule is that root keys have no GUN.
func (k *keyStore) AddKey(info trustmanager.KeyInfo, key data.PrivateKey) error {
	if info.Role == data.CanonicalRootRole {
		info.Gun = ""
	}
	encoded, err := encodeKey(info, key)
	if err != nil {
		return k.fail("seal the "+info.Role.String()+" key", err)
	}
	if err := k.keys.Put(keyPrefix+key.ID(), encoded); err != nil {
		return k.fail("seal the "+info.Role.String()+" key", err)
	}
	return nil
}

// GetKey opens a key; trustmanager.ErrKeyNotFound when there is none.
func (k *keyStore) GetKey(id string) (data.PrivateKey, data.RoleName, error) {
	info, key, err := k.open(id)
	return key, info.Role, err
}

// GetKeyInfo returns a key's role and GUN.
func (k *keyStore) GetKeyInfo(id string) (trustmanager.KeyInfo, error) {
	info, _, err := k.open(id)
	return info, err
}

func (k *keyStore) open(id string) (trustmanager.KeyInfo, data.PrivateKey, error) {
	// Ids come from the notary server too: only what is one may name an entry.
	if !isHexDigest(id) {
		return trustmanager.KeyInfo{}, nil, trustmanager.ErrKeyNotFound{KeyID: id}
	}
	encoded, err := k.keys.Get(keyPrefix + id)
	if errors.Is(err, fs.ErrNotExist) {
		return trustmanager.KeyInfo{}, nil, trustmanager.ErrKeyNotFound{KeyID: id}
	}
	if err != nil {
		return trustmanager.KeyInfo{}, nil, k.fail("open key "+id, err)
	}
	info, key, err := decodeKey(encoded)
	if err == nil && key.ID() != id {
		err = errors.New("it holds another key than the one of its name")
	}
	if err != nil {
		return trustmanager.KeyInfo{}, nil, k.fail("open key "+id, err)
	}
	return info, key, nil
}

// ListKeys opens all keys for their roles. The interface knows no error; see failure.
func (k *keyStore) ListKeys() map[string]trustmanager.KeyInfo {
	found := map[string]trustmanager.KeyInfo{}
	names, err := k.keys.List(keyPrefix)
	if err != nil {
		_ = k.fail("list the keys", err) // kept as the failure
		return found
	}
	for _, name := range names {
		id := strings.TrimPrefix(name, keyPrefix)
		if !isHexDigest(id) {
			continue // the state of a GUN
		}
		if info, _, err := k.open(id); err == nil { // else kept as the failure
			found[id] = info
		}
	}
	return found
}

// RemoveKey is refused: a key that signed something is never given up.
func (k *keyStore) RemoveKey(id string) error {
	return fmt.Errorf("remove key %s: keys of Docker Content Trust are kept for good", id)
}

// Name names the store in the library's messages.
func (k *keyStore) Name() string { return "sealed key store" }

func isHexDigest(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == 32 && strings.ToLower(text) == text
}

// cryptoService makes keys only where there is none yet: an initialisation that
// failed midway leaves keys, and the next one continues with them.
type cryptoService struct {
	*cryptoservice.CryptoService
	store *keyStore
}

func newCryptoService(store *keyStore) cryptoService {
	return cryptoService{cryptoservice.NewCryptoService(store), store}
}

// Create returns the role's key for the GUN, or makes and seals one.
func (c cryptoService) Create(role data.RoleName, gun data.GUN, algorithm string) (data.PublicKey, error) {
	var ids []string
	for id, info := range c.store.ListKeys() {
		if info.Role == role && info.Gun == gun {
			ids = append(ids, id)
		}
	}
	if c.store.failure != nil {
		return nil, c.store.failure
	}
	if len(ids) == 0 {
		return c.CryptoService.Create(role, gun, algorithm)
	}
	sort.Strings(ids) // of several, the same one each time
	key, _, err := c.store.GetKey(ids[0])
	if err != nil {
		return nil, err
	}
	return data.PublicKeyFromPrivate(key), nil
}
