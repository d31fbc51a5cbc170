package dct

// The rollback state of a repository: the root key of the first verification (trust
// on first use) and the highest versions of its metadata.
//
// It is stored as "dct/base/<sha256 of server, newline, GUN>", because a GUN has
// characters that a store may not accept in a name. Version 1 is the JSON object of
// rollbackState. It holds no secret, but it must not be forged.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/opensbs/sbs/signature/notary"
)

// RecordPrefix begins the names of all records.
const RecordPrefix = "dct/base/"

const (
	recordVersion = 1
	maxRecord     = 16 << 10 // bytes
)

// StateStore stores small records. It must be safe for concurrent use if the Verifier
// is used concurrently; of two verifications of one repository at the same time, the
// state of the one that ends later is stored.
type StateStore interface {
	// Get returns a record, or an error that is fs.ErrNotExist when it is absent.
	Get(name string) ([]byte, error)
	// Put stores a record, replacing an older one; it is durable when Put returns.
	Put(name string, record []byte) error
}

// rollbackState is the state of one GUN on one server.
type rollbackState struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	GUN     string `json:"gun"`
	// RootKeyID is the root's id in the repository's root.json.
	RootKeyID string `json:"root_key_id"`
	// Highest are the highest versions of the metadata under this root.
	Highest notary.Versions `json:"seen"`
}

// RecordName returns the name of the state of a GUN on a server, which is named as by
// notary.Name.
func RecordName(server, gun string) string {
	sum := sha256.Sum256([]byte(server + "\n" + gun))
	return RecordPrefix + hex.EncodeToString(sum[:])
}

// load returns an empty state when none is stored.
func load(store StateStore, server, gun string) (rollbackState, error) {
	if store == nil {
		return rollbackState{}, nil
	}
	encoded, err := store.Get(RecordName(server, gun))
	if errors.Is(err, fs.ErrNotExist) {
		return rollbackState{}, nil
	}
	var state rollbackState
	if err == nil {
		state, err = decodeRecord(encoded, server, gun)
	}
	if err != nil {
		return rollbackState{}, fmt.Errorf("open the rollback state of %s: %w", gun, err)
	}
	return state, nil
}

func decodeRecord(encoded []byte, server, gun string) (rollbackState, error) {
	state, err := parseRecord(encoded)
	if err != nil {
		return rollbackState{}, err
	}
	if state.Server != server || state.GUN != gun {
		return rollbackState{}, errors.New("it is the record of another repository")
	}
	return state, nil
}

func parseRecord(encoded []byte) (rollbackState, error) {
	if len(encoded) > maxRecord {
		return rollbackState{}, fmt.Errorf("it is longer than %d bytes", maxRecord)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	var state rollbackState
	if err := decoder.Decode(&state); err != nil {
		return rollbackState{}, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return rollbackState{}, errors.New("something follows the record")
	}
	if state.Version != recordVersion {
		return rollbackState{}, fmt.Errorf("version %d of a record is not known here", state.Version)
	}
	if state.RootKeyID == "" {
		return rollbackState{}, errors.New("it is the record of no repository")
	}
	return state, nil
}

// MergeRecords merges two records of one name, ours and one from elsewhere: ours,
// with the higher version of each file. A record of another root changes
// nothing.
func MergeRecords(name string, ours, theirs []byte) ([]byte, error) {
	state, err := parseRecord(ours)
	other, otherErr := parseRecord(theirs)
	if err := errors.Join(err, otherErr); err != nil {
		return nil, fmt.Errorf("merge the rollback state of base images: %w", err)
	}
	for _, one := range []rollbackState{state, other} {
		if RecordName(one.Server, one.GUN) != name {
			return nil, fmt.Errorf("merge the rollback state of base images: %s holds the record of another repository", name)
		}
	}
	if state.RootKeyID == other.RootKeyID {
		state.Highest = state.Highest.Highest(other.Highest)
	}
	return json.Marshal(state)
}

func save(store StateStore, state rollbackState) error {
	if store == nil {
		return nil
	}
	state.Version = recordVersion
	encoded, err := json.Marshal(state)
	if err == nil {
		err = store.Put(RecordName(state.Server, state.GUN), encoded)
	}
	if err != nil {
		return fmt.Errorf("store the rollback state of %s: %w", state.GUN, err)
	}
	return nil
}
