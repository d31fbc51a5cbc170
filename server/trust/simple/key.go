package simple

// The OpenPGP key: born here, sealed, and only ever in clear in memory.

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Keys is the sealed store: what is put is sealed, what is got is opened.
type Keys interface {
	// Get opens an entry. errors.Is(err, fs.ErrNotExist) when it is absent.
	Get(name string) ([]byte, error)
	// Put seals an entry; it is durable when Put returns.
	Put(name string, secret []byte) error
}

const (
	keyName  = "simple/key" // where the key is sealed: an OpenPGP transferable secret key, binary
	keyBits  = 4096
	userName = "Secure Build Server"
	userNote = "image signing"
)

// settings are what GnuPG 2.2 verifies.
func settings(now func() time.Time) *packet.Config {
	return &packet.Config{Time: now, DefaultHash: crypto.SHA256}
}

// key opens the signing key, or makes it.
func (s *Signer) key() (*openpgp.Entity, error) {
	sealed, err := s.keys.Get(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		return s.newKey()
	}
	if err != nil {
		return nil, fmt.Errorf("open the OpenPGP key: %w", err)
	}
	entities, err := openpgp.ReadKeyRing(bytes.NewReader(sealed))
	if err != nil || len(entities) != 1 || entities[0].PrivateKey == nil {
		return nil, errors.New("open the OpenPGP key: the sealed key is damaged: import the state it was exported with")
	}
	return entities[0], nil
}

// newKey is durable before anything is signed with it. A key that only signs
// needs no subkey.
func (s *Signer) newKey() (*openpgp.Entity, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make the OpenPGP key: %w", err)
	}
	primary := packet.NewRSAPrivateKey(s.now(), private)
	entity := &openpgp.Entity{PrimaryKey: &primary.PublicKey, PrivateKey: primary, Identities: map[string]*openpgp.Identity{}}
	if err := entity.AddUserId(userName, userNote, "", settings(s.now)); err != nil {
		return nil, fmt.Errorf("make the OpenPGP key: %w", err)
	}
	var text bytes.Buffer
	if err := entity.SerializePrivateWithoutSigning(&text, nil); err != nil {
		return nil, fmt.Errorf("make the OpenPGP key: %w", err)
	}
	if err := s.keys.Put(keyName, text.Bytes()); err != nil {
		return nil, fmt.Errorf("seal the OpenPGP key: %w", err)
	}
	return entity, nil
}

func fingerprint(key *openpgp.Entity) string {
	return fmt.Sprintf("%X", key.PrimaryKey.Fingerprint)
}

// armoured is the public key in the text form of RFC 9580, section 6.
func armoured(key *openpgp.Entity) (string, error) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		return "", fmt.Errorf("write the OpenPGP public key: %w", err)
	}
	if err := errors.Join(key.Serialize(w), w.Close()); err != nil {
		return "", fmt.Errorf("write the OpenPGP public key: %w", err)
	}
	return text.String() + "\n", nil
}

// signedMessage is content with its signature around it: neither detached nor
// clear-signed (RFC 9580, section 10.3).
func signedMessage(key *openpgp.Entity, content []byte, now func() time.Time) ([]byte, error) {
	var message bytes.Buffer
	w, err := openpgp.Sign(&message, key, &openpgp.FileHints{IsBinary: true}, settings(now))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return message.Bytes(), nil
}

// openMessage is what key signed in message, or an error.
func openMessage(key *openpgp.Entity, message []byte, now func() time.Time) ([]byte, error) {
	read, err := openpgp.ReadMessage(bytes.NewReader(message), openpgp.EntityList{key}, nil, settings(now))
	if err != nil {
		return nil, fmt.Errorf("read a signature: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(read.UnverifiedBody, maxSignature))
	if err != nil {
		return nil, fmt.Errorf("read a signature: %w", err)
	}
	if !read.IsSigned || read.SignedBy == nil || read.SignatureError != nil {
		return nil, errors.New("read a signature: another key signed it")
	}
	return content, nil
}
