package dct

// Whose repository it is: the root keys it names, and which of them we believe.

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/trustpinning"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

// rootKey is a key that may sign a repository's root.json.
type rootKey struct {
	id        string // in root.json: of the certificate
	canonical string // of the bare key: its name in the key store
	public    []byte // the PEM certificate
}

// look answers the root keys the server publishes for the GUN, unverified;
// nil when it has no such repository.
func (r *repository) look() ([]rootKey, error) {
	raw, err := r.remote.GetSized(data.CanonicalRootRole.String(), maxAnswer)
	if missing := (storage.ErrMetaNotFound{}); errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseRoot(raw)
}

// parseRoot reads the keys a root.json names for the root role, in its order.
func parseRoot(raw []byte) ([]rootKey, error) {
	var envelope data.Signed
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, fmt.Errorf("read root.json: %w", err)
	}
	root, err := data.RootFromSigned(&envelope)
	if err != nil {
		return nil, fmt.Errorf("read root.json: %w", err)
	}
	role, err := root.BuildBaseRole(data.CanonicalRootRole)
	if err != nil {
		return nil, fmt.Errorf("read root.json: %w", err)
	}
	keys := []rootKey{}
	for _, id := range root.Signed.Roles[data.CanonicalRootRole].KeyIDs {
		// The id is the key's hash. With that checked here, what is verified
		// later about the id holds for the key as well.
		if key := role.Keys[id]; key == nil || key.ID() != id {
			return nil, fmt.Errorf("read root.json: key %s is another key than its id says", id)
		}
		canonical, err := utils.CanonicalKeyID(role.Keys[id])
		if err != nil {
			return nil, fmt.Errorf("read root key %s: %w", id, err)
		}
		keys = append(keys, rootKey{id: id, canonical: canonical, public: role.Keys[id].Public()})
	}
	return keys, nil
}

// pin picks the root key to believe from those a repository names: the one
// remembered, or, where nothing is remembered, one whose private half is
// ours. It answers false when the repository's root is not ours.
func (r record) pin(published []rootKey, owned func(canonical string) (bool, error)) (rootKey, bool, error) {
	for _, key := range published {
		if r.binds() {
			if key.id == r.RootKeyID {
				return key, true, nil
			}
			continue
		}
		ours, err := owned(key.canonical)
		if err != nil || ours {
			return key, ours, err
		}
	}
	return rootKey{}, false, nil
}

// owns tells whether a root key's private half is in the key store.
func (r *repository) owns(canonical string) (bool, error) {
	_, role, err := r.keys.GetKey(canonical)
	if missing := (trustmanager.ErrKeyNotFound{}); errors.As(err, &missing) {
		return false, nil
	}
	return role == data.CanonicalRootRole, err
}

// pinned takes no other root than this one, and none on first sight.
func (r *repository) pinned(root rootKey) trustpinning.TrustPinConfig {
	return trustpinning.TrustPinConfig{
		Certs:       map[string][]string{r.gun.String(): {root.id}},
		DisableTOFU: true,
	}
}
