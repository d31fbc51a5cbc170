package sigstore

// The ECDSA key: born here, sealed, and only ever in clear in memory.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/signature/bundle"
)

// Keys is the sealed store: what is put is sealed, what is got is opened.
type Keys interface {
	// Get opens an entry. errors.Is(err, fs.ErrNotExist) when it is absent.
	Get(name string) ([]byte, error)
	// Put seals an entry; it is durable when Put returns.
	Put(name string, secret []byte) error
}

const keyName = "sigstore/key" // where the key is sealed: PKCS #8, DER

// Sealed declares what this package seals and what travels with the state.
func Sealed() []stateimage.Sealed { return []stateimage.Sealed{{Name: keyName, Travels: true}} }

// key is the private key, and the public one as it is shown.
type key struct {
	private *ecdsa.PrivateKey
	public  bundle.Key
}

// sign signs the SHA-256 of content, deterministically; the result is DER.
func (k key) sign(content []byte) ([]byte, error) {
	digest := sha256.Sum256(content)
	signature, err := k.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signature, nil
}

// state is the signed statement that predicate, of that type, is true of image:
// a bundle.
func (k key) state(image signing.Image, predicateType string, predicate []byte) ([]byte, error) {
	return bundle.Sign(k.private, bundle.Statement{
		Subjects:      []bundle.Subject{{Digest: map[string]string{"sha256": strings.TrimPrefix(image.Digest, "sha256:")}}},
		PredicateType: predicateType,
		Predicate:     predicate,
	})
}

// openKey opens the signing key, or makes it.
func openKey(keys Keys) (key, error) {
	der, err := keys.Get(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(keys)
	}
	if err != nil {
		return key{}, fmt.Errorf("open the sigstore key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	private, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return key{}, errors.New("open the sigstore key: the sealed key is damaged: import the state it was exported with")
	}
	return withPublic(private)
}

// newKey is durable before anything is signed with it.
func newKey(keys Keys) (key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return key{}, fmt.Errorf("make the sigstore key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return key{}, fmt.Errorf("make the sigstore key: %w", err)
	}
	if err := keys.Put(keyName, der); err != nil {
		return key{}, fmt.Errorf("seal the sigstore key: %w", err)
	}
	return withPublic(private)
}

func withPublic(private *ecdsa.PrivateKey) (key, error) {
	public, err := bundle.NewKey(private.Public())
	if err != nil {
		return key{}, fmt.Errorf("the sigstore key: %w", err)
	}
	return key{private, public}, nil
}
