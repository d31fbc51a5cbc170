package volume

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// A record ends with a checksum of what stands before it, as its last member:
//
//	{"id": …, "finished": …, "checksum": "sha256:<64 hex digits>"}
//
// It is over all bytes in front of its comma. It tells a disk's mistake, which
// JSON alone would often let pass, and protects from nobody. The file stays one
// JSON object. A record without one is taken as it is.
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

// withoutChecksum is the record as it was before withChecksum, but for spaces at
// its end.
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
