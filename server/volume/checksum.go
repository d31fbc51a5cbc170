package volume

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// The last member of a record is a checksum of everything before it:
//
//	{"id": …, "finished": …, "checksum": "sha256:<64 hex digits>"}
//
// It covers all bytes before its comma. It detects corruption by the disk, which
// the JSON syntax would often not reveal; it does not protect against an attacker.
// The file remains one JSON object. A record without a checksum is accepted.
const (
	checksumBegin = `,"checksum":"sha256:`
	checksumEnd   = "\"}\n"
)

var errChecksum = errors.New("its content does not match its checksum")

// withChecksum adds the checksum to a JSON object that has members.
func withChecksum(record []byte) []byte {
	members, isObject := bytes.CutSuffix(bytes.TrimSpace(record), []byte("}"))
	members = bytes.TrimSpace(members)
	if !isObject || string(members) == "{" {
		return record
	}
	sum := sha256.Sum256(members)
	return append(append(append(bytes.Clone(members), checksumBegin...), hex.EncodeToString(sum[:])...), checksumEnd...)
}

// withoutChecksum verifies and removes the checksum. It returns the record that
// withChecksum was given, except for white space at its end.
func withoutChecksum(file []byte) ([]byte, error) {
	at := bytes.LastIndex(file, []byte(checksumBegin))
	if at < 0 {
		return file, nil
	}
	members := file[:at]
	sum := sha256.Sum256(members)
	if want := checksumBegin + hex.EncodeToString(sum[:]) + checksumEnd; want != string(file[at:]) {
		return nil, errChecksum
	}
	return append(bytes.Clone(members), "\n}\n"...), nil
}
