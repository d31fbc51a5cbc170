package dct

// What is remembered of a repository between two checks.
//
// It is kept as "dct/base/<sha256 of server, newline, GUN>", because a GUN holds
// characters no store need take in a name. Version 1 is the JSON object of
// record. It holds no secret, but it must not be forged.

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

// Memory keeps small records. It must be safe for concurrent use where the
// Verifier is used so; of two checks of one repository at the same time, the
// later to end is remembered.
type Memory interface {
	// Get answers a record. errors.Is(err, fs.ErrNotExist) when it is absent.
	Get(name string) ([]byte, error)
	// Put keeps a record, replacing an older one; it is durable when Put returns.
	Put(name string, record []byte) error
}

// record is what is remembered of one GUN on one server.
type record struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	GUN     string `json:"gun"`
	// RootKeyID is the root's id in the repository's root.json.
	RootKeyID string `json:"root_key_id"`
	// Seen are the highest versions of the metadata under this root.
	Seen notary.Versions `json:"seen"`
}

// RecordName is the name under which the check of a GUN on a server, as
// notary.Name names it, is remembered.
func RecordName(server, gun string) string {
	sum := sha256.Sum256([]byte(server + "\n" + gun))
	return RecordPrefix + hex.EncodeToString(sum[:])
}

// load answers an empty record when nothing is remembered.
func load(memory Memory, server, gun string) (record, error) {
	if memory == nil {
		return record{}, nil
	}
	encoded, err := memory.Get(RecordName(server, gun))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	var known record
	if err == nil {
		known, err = decodeRecord(encoded, server, gun)
	}
	if err != nil {
		return record{}, fmt.Errorf("open what is remembered of %s: %w", gun, err)
	}
	return known, nil
}

func decodeRecord(encoded []byte, server, gun string) (record, error) {
	known, err := parseRecord(encoded)
	if err != nil {
		return record{}, err
	}
	if known.Server != server || known.GUN != gun {
		return record{}, errors.New("it is the record of another repository")
	}
	return known, nil
}

func parseRecord(encoded []byte) (record, error) {
	if len(encoded) > maxRecord {
		return record{}, fmt.Errorf("it is longer than %d bytes", maxRecord)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	var known record
	if err := decoder.Decode(&known); err != nil {
		return record{}, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return record{}, errors.New("something follows the record")
	}
	if known.Version != recordVersion {
		return record{}, fmt.Errorf("version %d of a record is not known here", known.Version)
	}
	if known.RootKeyID == "" {
		return record{}, errors.New("it is the record of no repository")
	}
	return known, nil
}

// MergeRecords merges two records of one name, ours and one from elsewhere: ours,
// with the higher version of each file. A record of another root changes
// nothing.
func MergeRecords(name string, ours, theirs []byte) ([]byte, error) {
	known, err := parseRecord(ours)
	other, otherErr := parseRecord(theirs)
	if err := errors.Join(err, otherErr); err != nil {
		return nil, fmt.Errorf("merge what is remembered of base images: %w", err)
	}
	for _, one := range []record{known, other} {
		if RecordName(one.Server, one.GUN) != name {
			return nil, fmt.Errorf("merge what is remembered of base images: %s holds the record of another repository", name)
		}
	}
	if known.RootKeyID == other.RootKeyID {
		known.Seen = known.Seen.Highest(other.Seen)
	}
	return json.Marshal(known)
}

func save(memory Memory, known record) error {
	if memory == nil {
		return nil
	}
	known.Version = recordVersion
	encoded, err := json.Marshal(known)
	if err == nil {
		err = memory.Put(RecordName(known.Server, known.GUN), encoded)
	}
	if err != nil {
		return fmt.Errorf("keep what is to be remembered of %s: %w", known.GUN, err)
	}
	return nil
}
