package enclave

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The sealed format, version 1:
//
//	offset  size  what
//	0       8     "SBSSEAL1"
//	8       8     id of the image secret: SHA-256("opensbs image secret id" || secret), first 8 bytes
//	16      32    salt, random
//	48      12    nonce, random
//	60      n     AES-256-GCM ciphertext
//	60+n    16    GCM tag
//
// The key is HKDF-SHA256 (RFC 5869) of the image secret with the salt and the
// info "opensbs sealed v1". The additional authenticated data is the first 60
// bytes, then the name under which the text was sealed, so that one sealed file
// can't replace another.
const (
	sealMagic  = "SBSSEAL1"
	sealInfo   = "opensbs sealed v1"
	sealID     = "opensbs image secret id"
	idSize     = 8
	saltSize   = 32
	nonceSize  = 12
	saltOffset = len(sealMagic) + idSize
	headerSize = saltOffset + saltSize + nonceSize
)

var (
	// ErrNotSealed means that a text does not have the sealed format.
	ErrNotSealed = errors.New("not a sealed text of version 1")
	// ErrOtherSecret means that a text was sealed under another image secret.
	ErrOtherSecret = errors.New("sealed under another image secret: this data volume belongs to another server image")
	// ErrTampered means that a sealed text was changed, or sealed under another
	// name.
	ErrTampered = errors.New("sealed text does not authenticate: it was changed, truncated, or moved from another name")
)

// Seal encrypts text so that only an enclave with the same image secret can
// unseal it, under the same name.
func (e *Enclave) Seal(name string, text []byte) ([]byte, error) {
	header := make([]byte, headerSize)
	copy(header, sealMagic)
	copy(header[len(sealMagic):], e.secretID())
	if _, err := rand.Read(header[saltOffset:]); err != nil {
		return nil, fmt.Errorf("seal %s: %w", name, err)
	}
	aead, err := aeadOf(e.secret, header)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", name, err)
	}
	return append(header, aead.Seal(nil, header[headerSize-nonceSize:], text, bound(header, name))...), nil
}

// Unseal returns the text that Seal sealed under name. Its errors wrap
// ErrNotSealed, ErrOtherSecret or ErrTampered.
func (e *Enclave) Unseal(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || string(sealed[:len(sealMagic)]) != sealMagic {
		return nil, fmt.Errorf("unseal %s: %w", name, ErrNotSealed)
	}
	header := sealed[:headerSize]
	secret := e.secretOf(header[len(sealMagic):saltOffset])
	if secret == nil {
		return nil, fmt.Errorf("unseal %s: %w", name, ErrOtherSecret)
	}
	aead, err := aeadOf(secret, header)
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", name, err)
	}
	text, err := aead.Open(nil, header[headerSize-nonceSize:], sealed[headerSize:], bound(header, name))
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", name, ErrTampered)
	}
	return text, nil
}

func aeadOf(secret, header []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, header[saltOffset:saltOffset+saltSize], sealInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// bound returns the additional authenticated data. The header has a fixed size,
// so the boundary between header and name is unambiguous.
func bound(header []byte, name string) []byte {
	return append(bytes.Clone(header), name...)
}
