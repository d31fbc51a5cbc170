package dct

// What is remembered of a repository between two signatures, and what follows
// from it: the pinned root and the versions below which nothing is believed.
//
// It is kept through Keys as "dct/gun/<sha256 of server, newline, GUN>",
// because a GUN holds characters no store need take in a name. Version 1 is
// the JSON object of record. It holds no secret, but it must not be forged.

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
	memoryPrefix  = "dct/gun/"
	recordVersion = 1
)

// record is what is remembered of one GUN on one server.
type record struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	GUN     string `json:"gun"`
	// RootKeyID is the id of our root key in the repository's root.json.
	RootKeyID string `json:"root_key_id"`
	// Seen are the highest versions of the metadata that were read back.
	Seen notary.Versions `json:"seen"`
	// Forgotten is an operator's leave to start anew: see Signer.Forget.
	Forgotten bool `json:"forgotten,omitempty"`
}

// binds tells whether the record stands for a repository that must be there.
func (r record) binds() bool { return r.RootKeyID != "" && !r.Forgotten }

// wentBack is nil unless a file is older than the one remembered.
func (r record) wentBack(now notary.Versions) *signature.RolledBackError {
	if !r.binds() {
		return nil
	}
	return r.Seen.WentBack(now)
}

// pin picks the root key to believe from those a repository names: the one
// remembered, or, where nothing is remembered, one whose private half is
// ours. It answers false when the repository's root is not ours.
func (r record) pin(published []notary.RootKey, owned func(canonical string) (bool, error)) (notary.RootKey, bool, error) {
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
// another root changes nothing, and that trust data may be made anew (Forgotten)
// is only for the operator of this server to say.
func mergeRecords(name string, ours, theirs []byte) ([]byte, error) {
	var known, other record
	for _, side := range []struct {
		encoded []byte
		into    *record
	}{{ours, &known}, {theirs, &other}} {
		err := decodeEntry(side.encoded, side.into)
		if err == nil && (side.into.Version != recordVersion || (memory{server: side.into.Server, gun: side.into.GUN}).name() != name) {
			err = errors.New("it is the record of another repository, or of another version")
		}
		if err != nil {
			return nil, fmt.Errorf("merge what is remembered of a repository of ours: %w", err)
		}
	}
	if known.RootKeyID == other.RootKeyID && !known.Forgotten {
		known.Seen = known.Seen.Highest(other.Seen)
	}
	return json.Marshal(known)
}

// memory is where the record of one GUN on one server is kept.
type memory struct {
	keys        Keys
	server, gun string
}

func (m memory) name() string {
	sum := sha256.Sum256([]byte(m.server + "\n" + m.gun))
	return memoryPrefix + hex.EncodeToString(sum[:])
}

// load answers an empty record when nothing is remembered.
func (m memory) load() (record, error) {
	encoded, err := m.keys.Get(m.name())
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	var known record
	if err == nil {
		known, err = m.decode(encoded)
	}
	if err != nil {
		return record{}, &KeyStoreError{Operation: "open what is remembered of " + m.gun, Err: err}
	}
	return known, nil
}

func (m memory) decode(encoded []byte) (record, error) {
	var known record
	if err := decodeEntry(encoded, &known); err != nil {
		return record{}, err
	}
	if known.Version != recordVersion {
		return record{}, fmt.Errorf("version %d of a repository's record is not known here", known.Version)
	}
	if known.Server != m.server || known.GUN != m.gun || !isHexDigest(known.RootKeyID) {
		return record{}, errors.New("it is the record of another repository, or of none")
	}
	return known, nil
}

func (m memory) save(known record) error {
	known.Version, known.Server, known.GUN = recordVersion, m.server, m.gun
	encoded, err := json.Marshal(known)
	if err == nil {
		err = m.keys.Put(m.name(), encoded)
	}
	if err != nil {
		return &KeyStoreError{Operation: "seal what is remembered of " + m.gun, Err: err}
	}
	return nil
}
