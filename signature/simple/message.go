package simple

// How a claim is signed: an OpenPGP signed message, neither detached nor
// clear-signed (RFC 9580, section 10.3).

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/api/public"
)

const (
	// MaxSignature bounds a signature in bytes; they take about one kilobyte.
	MaxSignature = 64 << 10
	maxKey       = 1 << 20 // bytes of one key file
)

// ErrOtherKey is a signature that none of the given keys made.
var ErrOtherKey = errors.New("the signature is not by this key")

// hashes are those that count; the library itself verifies SHA-1 as well.
var hashes = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}

// Key is one or several OpenPGP public keys, any of which may have signed.
type Key struct{ ring openpgp.EntityList }

// ParseKey reads public keys, armoured as `gpg --armor --export` writes them, or
// binary.
func ParseKey(text []byte) (Key, error) {
	if len(text) > maxKey {
		return Key{}, fmt.Errorf("read the OpenPGP public key: it is longer than %d bytes", maxKey)
	}
	if err := public.Check(text); err != nil {
		return Key{}, fmt.Errorf("read the OpenPGP public key: the text %w", err)
	}
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil {
		ring, err = openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	if err != nil || len(ring) == 0 {
		return Key{}, errors.Join(errors.New("read the OpenPGP public key: there is none; give what gpg --armor --export writes"), err)
	}
	for _, entity := range ring {
		if self, _ := entity.PrimarySelfSignature(); self == nil {
			return Key{}, fmt.Errorf("read the OpenPGP public key: %s is not signed by itself", fingerprint(entity.PrimaryKey))
		}
	}
	return Key{ring}, nil
}

// NewKey is the key of one entity.
func NewKey(entity *openpgp.Entity) Key { return Key{openpgp.EntityList{entity}} }

// ID is the fingerprint of the first key, in upper-case hexadecimal.
func (k Key) ID() string { return fingerprint(k.ring[0].PrimaryKey) }

func fingerprint(key *packet.PublicKey) string { return fmt.Sprintf("%X", key.Fingerprint) }

// Settings are those that signatures and keys are made with: what GnuPG 2.2
// verifies.
func Settings(now func() time.Time) *packet.Config {
	return &packet.Config{Time: now, DefaultHash: crypto.SHA256}
}

// Sign is content with the signature of key, which has its private half, around
// it.
func Sign(key *openpgp.Entity, content []byte, now func() time.Time) ([]byte, error) {
	var message bytes.Buffer
	w, err := openpgp.Sign(&message, key, &openpgp.FileHints{IsBinary: true}, Settings(now))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return message.Bytes(), nil
}

// Open returns the claim in a message that one of the keys signed, and the
// fingerprint of that one. It is ErrOtherKey where the message can't be
// read, because none of the keys signed it.
func Open(key Key, message []byte, now time.Time) (c Claim, keyID string, err error) {
	if len(message) > MaxSignature {
		return Claim{}, "", fmt.Errorf("%w: a signature of more than %d bytes", ErrOtherKey, MaxSignature)
	}
	settings := Settings(func() time.Time { return now })
	read, err := openpgp.ReadMessage(bytes.NewReader(message), key.ring, nil, settings)
	if err != nil {
		return Claim{}, "", fmt.Errorf("%w: %w", ErrOtherKey, err)
	}
	// The signature is checked at the content's end, so all of it must be read:
	// compressed content can be much longer than its message.
	content, err := io.ReadAll(io.LimitReader(read.UnverifiedBody, maxPayload+1))
	switch {
	case err != nil:
		return Claim{}, "", fmt.Errorf("%w: %w", ErrOtherKey, err)
	case len(content) > maxPayload:
		return Claim{}, "", fmt.Errorf("%w: content of more than %d bytes", ErrOtherKey, maxPayload)
	case read.SignatureError != nil:
		return Claim{}, "", fmt.Errorf("%w: %w", ErrOtherKey, read.SignatureError)
	case read.IsEncrypted || !read.IsSigned || read.SignedBy == nil || read.Signature == nil:
		return Claim{}, "", ErrOtherKey
	case !slices.Contains(hashes, read.Signature.Hash):
		return Claim{}, "", fmt.Errorf("%w: it is made with %v", ErrOtherKey, read.Signature.Hash)
	}
	c, err = DecodeClaim(content)
	return c, fingerprint(read.SignedBy.Entity.PrimaryKey), err
}
