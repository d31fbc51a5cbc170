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
	Seen versions `json:"seen"`
	// Forgotten is an operator's leave to start anew: see Signer.Forget.
	Forgotten bool `json:"forgotten,omitempty"`
}

// versions are the version numbers of the four files of TUF.
type versions struct {
	Root      int `json:"root"`
	Targets   int `json:"targets"`
	Snapshot  int `json:"snapshot"`
	Timestamp int `json:"timestamp"`
}

// binds tells whether the record stands for a repository that must be there.
func (r record) binds() bool { return r.RootKeyID != "" && !r.Forgotten }

// wentBack names the first file that is older than the one remembered.
func (r record) wentBack(now versions) (role string, seen, got int) {
	if !r.binds() {
		return "", 0, 0
	}
	for _, file := range []struct {
		role      string
		seen, got int
	}{
		{"root", r.Seen.Root, now.Root},
		{"targets", r.Seen.Targets, now.Targets},
		{"snapshot", r.Seen.Snapshot, now.Snapshot},
		{"timestamp", r.Seen.Timestamp, now.Timestamp},
	} {
		if file.got < file.seen {
			return file.role, file.seen, file.got
		}
	}
	return "", 0, 0
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
