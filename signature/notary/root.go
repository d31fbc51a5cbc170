package notary

// The root keys of a repository.

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

// RootKey is a key that may sign a repository's root.json.
type RootKey struct {
	ID        string // in root.json: of the certificate
	Canonical string // of the bare key, the same for every GUN
	Public    []byte // the PEM certificate
}

// Roots returns the root keys that the server publishes for the GUN, unverified. It
// returns nil when the server has no such repository.
func (r *Repository) Roots() ([]RootKey, error) {
	raw, err := r.Remote.GetSized(data.CanonicalRootRole.String(), maxResponse)
	if missing := (storage.ErrMetaNotFound{}); errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseRoot(raw)
}

// ParseRoot returns the keys that a root.json lists for the root role, in its order.
func ParseRoot(raw []byte) ([]RootKey, error) {
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
	keys := []RootKey{}
	for _, id := range root.Signed.Roles[data.CanonicalRootRole].KeyIDs {
		// The id is the key's hash. Because that is checked here, everything that is
		// verified later about the id holds for the key as well.
		if key := role.Keys[id]; key == nil || key.ID() != id {
			return nil, fmt.Errorf("read root.json: key %s does not match its id", id)
		}
		canonical, err := utils.CanonicalKeyID(role.Keys[id])
		if err != nil {
			return nil, fmt.Errorf("read root key %s: %w", id, err)
		}
		keys = append(keys, RootKey{ID: id, Canonical: canonical, Public: role.Keys[id].Public()})
	}
	return keys, nil
}
