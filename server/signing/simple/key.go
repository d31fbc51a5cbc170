package simple

// The OpenPGP key: born here, sealed, and only ever in clear in memory.

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/signature/simple"
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

// Sealed declares what this package seals and what travels with the state.
func Sealed() []stateimage.Sealed { return []stateimage.Sealed{{Name: keyName, Travels: true}} }

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
	if err := entity.AddUserId(userName, userNote, "", simple.Settings(s.now)); err != nil {
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
