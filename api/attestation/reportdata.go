package attestation

import (
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"slices"
)

// Bounds of a nonce, in bytes.
const (
	MinNonce = 16
	MaxNonce = 64
)

// MaxKeys is the maximum number of keys in a server's evidence.
const MaxKeys = 64

// UseManifest is the Key.Use of the key that signs manifests. Every other use is
// one of api.Signing*.
const UseManifest = "manifest"

// Key identifies a public key of the server: its use, and the SHA-256 of the text
// in which the server publishes it (public_key_pem of publickey for the manifest
// key, key of config-json's signatures for the others).
type Key struct {
	Use    string `json:"use"`
	SHA256 Digest `json:"sha256"`
}

// Bound holds the values that a quote is bound to.
type Bound struct {
	Nonce []byte // MinNonce to MaxNonce bytes that the client chose
	TLS   Digest // SHA-256 of the DER SubjectPublicKeyInfo of the server's TLS key
	Keys  []Key  // keys of the latest build that succeeded; none before the first
}

// reportDataMagic is the prefix of the hashed text, for domain separation.
const reportDataMagic = "opensbs report data 1\n"

// ReportData returns the 64 bytes over which a TDX or SEV-SNP quote is made: the
// SHA-512 of, in this order,
//
//	"opensbs report data 1\n"
//	length of the nonce, 2 bytes, big endian; the nonce
//	TLS, 32 bytes
//	number of keys, 2 bytes, big endian
//	of each key: length of its use, 1 byte; its use; its SHA-256, 32 bytes
//
// with the keys in ascending order of use, then of SHA-256, bytewise.
func (b Bound) ReportData() ([sha512.Size]byte, error) {
	if err := checkNonce(b.Nonce); err != nil {
		return [sha512.Size]byte{}, fmt.Errorf("make report data: %w", err)
	}
	if err := checkKeys(b.Keys); err != nil {
		return [sha512.Size]byte{}, fmt.Errorf("make report data: %w", err)
	}
	text := []byte(reportDataMagic)
	text = binary.BigEndian.AppendUint16(text, uint16(len(b.Nonce)))
	text = append(text, b.Nonce...)
	text = append(text, b.TLS[:]...)
	text = binary.BigEndian.AppendUint16(text, uint16(len(b.Keys)))
	for _, key := range slices.SortedFunc(slices.Values(b.Keys), compareKeys) {
		text = append(text, byte(len(key.Use)))
		text = append(text, key.Use...)
		text = append(text, key.SHA256[:]...)
	}
	return sha512.Sum512(text), nil
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Use, b.Use), slices.Compare(a.SHA256[:], b.SHA256[:]))
}

func checkNonce(nonce []byte) error {
	if len(nonce) < MinNonce || len(nonce) > MaxNonce {
		return fmt.Errorf("the nonce has %d bytes instead of %d to %d", len(nonce), MinNonce, MaxNonce)
	}
	return nil
}

func checkKeys(keys []Key) error {
	if len(keys) > MaxKeys {
		return fmt.Errorf("%d keys are more than %d", len(keys), MaxKeys)
	}
	for _, key := range keys {
		if key.Use == "" || len(key.Use) > 64 {
			return fmt.Errorf("the use %q of a key does not have 1 to 64 bytes", key.Use)
		}
	}
	return nil
}

// DigestOf returns the SHA-256 of text.
func DigestOf(text []byte) Digest { return sha256.Sum256(text) }
