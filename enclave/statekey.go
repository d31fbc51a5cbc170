package enclave

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// stateInfo separates state keys from all other keys derived from the image
// secret.
const stateInfo = "opensbs state image key v1"

// StateKey returns the key of a state image: 32 bytes, HKDF-SHA256 (RFC 5869)
// over both secrets. The input keying material is the length of the image secret
// as 4 bytes, big endian, the image secret, and the developer's secret; the
// length makes the boundary between the two unambiguous. secretID identifies the
// image secret of the server that exported the state; the error wraps
// ErrOtherSecret when this enclave does not hold it.
func (e *Enclave) StateKey(secretID, developerSecret, salt []byte) ([]byte, error) {
	secret := e.secretOf(secretID)
	if secret == nil {
		return nil, fmt.Errorf("make state key: %w", ErrOtherSecret)
	}
	material := binary.BigEndian.AppendUint32(nil, uint32(len(secret)))
	material = append(append(material, secret...), developerSecret...)
	key, err := hkdf.Key(sha256.New, material, salt, stateInfo, 32)
	if err != nil {
		return nil, fmt.Errorf("make state key: %w", err)
	}
	return key, nil
}
