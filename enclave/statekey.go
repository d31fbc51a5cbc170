package enclave

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// stateInfo sets state keys apart from all others made of the image secret.
const stateInfo = "opensbs state image key v1"

// StateKey is the key of a state image: 32 bytes, HKDF-SHA256 (RFC 5869) over
// both secrets. The input keying material is the length of the image secret as
// 4 bytes, the highest first, the image secret, and the developer's secret; so
// neither can be shifted against the other. secretID names the image secret
// under which the state was made; ErrOtherSecret means that it is not here.
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
