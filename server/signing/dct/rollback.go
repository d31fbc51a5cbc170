package dct

// The rollback state of a repository: the pinned root key and the versions below
// which no metadata is accepted.
//
// It is stored through Keys as "dct/gun/<sha256 of server, newline, GUN>", because a
// GUN has characters that a store may not accept in a name. Version 1 is the JSON
// object of rollbackState. It holds no secret, but it must not be forged.

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/notary"
)

const (
	statePrefix   = "dct/gun/"
	recordVersion = 1
)

// rollbackState is the state of one GUN on one server.
type rollbackState struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	GUN     string `json:"gun"`
	// RootKeyID is the id of our root key in the repository's root.json.
	RootKeyID string `json:"root_key_id"`
	// Highest are the highest versions of the metadata that were read back.
	Highest notary.Versions `json:"seen"`
	// Forgotten is an operator's permission to start again: see Signer.Forget.
	Forgotten bool `json:"forgotten,omitempty"`
}

// binds reports whether the state is of a repository that must be there.
func (r rollbackState) binds() bool { return r.RootKeyID != "" && !r.Forgotten }

// wentBack returns an error if a file is older than in the state.
func (r rollbackState) wentBack(now notary.Versions) *signature.RolledBackError {
	if !r.binds() {
		return nil
	}
	return r.Highest.WentBack(now)
}

// pin returns the root key to trust among those that a repository names: that of the
// state, or, without a state, one whose private key is ours. It returns false if the
// repository's root is not ours.
func (r rollbackState) pin(published []notary.RootKey, owned func(canonical string) (bool, error)) (notary.RootKey, bool, error) {
	for _, key := range published {
		if r.binds() {
			if key.ID == r.RootKeyID {
				return key, true, nil
			}
			continue
		}
		ours, err := owned(key.Canonical)
		if err != nil || ours {
			return key, ours, err
		}
	}
	return notary.RootKey{}, false, nil
}

// mergeRecords returns ours with the higher version of each file. A record of
// another root changes nothing, and only the operator of this server may set
// Forgotten.
func mergeRecords(name string, ours, theirs []byte) ([]byte, error) {
	var state, other rollbackState
	for _, side := range []struct {
		encoded []byte
		into    *rollbackState
	}{{ours, &state}, {theirs, &other}} {
		err := decodeEntry(side.encoded, side.into)
		if err == nil && (side.into.Version != recordVersion || (stateStore{server: side.into.Server, gun: side.into.GUN}).name() != name) {
			err = errors.New("it is the record of another repository, or of another version")
		}
		if err != nil {
			return nil, fmt.Errorf("merge the rollback state of a repository of ours: %w", err)
		}
	}
	if state.RootKeyID == other.RootKeyID && !state.Forgotten {
		state.Highest = state.Highest.Highest(other.Highest)
	}
	return json.Marshal(state)
}

// stateStore stores the state of one GUN on one server.
type stateStore struct {
	keys        Keys
	server, gun string
}

func (m stateStore) name() string {
	sum := sha256.Sum256([]byte(m.server + "\n" + m.gun))
	return statePrefix + hex.EncodeToString(sum[:])
}

// load returns an empty state when none is stored.
func (m stateStore) load() (rollbackState, error) {
	encoded, err := m.keys.Get(m.name())
	if errors.Is(err, fs.ErrNotExist) {
		return rollbackState{}, nil
	}
	var state rollbackState
	if err == nil {
		state, err = m.decode(encoded)
	}
	if err != nil {
		return rollbackState{}, &KeyStoreError{Operation: "open the rollback state of " + m.gun, Err: err}
	}
	return state, nil
}

func (m stateStore) decode(encoded []byte) (rollbackState, error) {
	var state rollbackState
	if err := decodeEntry(encoded, &state); err != nil {
		return rollbackState{}, err
	}
	if state.Version != recordVersion {
		return rollbackState{}, fmt.Errorf("version %d of a repository's record is not known here", state.Version)
	}
	if state.Server != m.server || state.GUN != m.gun || !isHexDigest(state.RootKeyID) {
		return rollbackState{}, errors.New("it is the record of another repository, or of none")
	}
	return state, nil
}

func (m stateStore) save(state rollbackState) error {
	state.Version, state.Server, state.GUN = recordVersion, m.server, m.gun
	encoded, err := json.Marshal(state)
	if err == nil {
		err = m.keys.Put(m.name(), encoded)
	}
	if err != nil {
		return &KeyStoreError{Operation: "seal the rollback state of " + m.gun, Err: err}
	}
	return nil
}
