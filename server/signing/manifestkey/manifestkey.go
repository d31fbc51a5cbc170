package manifestkey

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"github.com/opensbs/sbs/server/stateimage"
)

// Store keeps secrets sealed.
type Store interface {
	Get(name string) ([]byte, error) // wraps fs.ErrNotExist when there is none
	Put(name string, secret []byte) error
}

const (
	// sealedName is the name under which the key is sealed: PKCS #8, DER.
	sealedName = "manifest/key"
	bits       = 3072
)

// Sealed declares the sealed name of this package, which travels with the state.
func Sealed() []stateimage.Sealed { return []stateimage.Sealed{{Name: sealedName, Travels: true}} }

// Open returns the RSA key that signs manifests. The first call on a volume generates
// it, which takes about a second, and stores it durably.
func Open(store Store) (*rsa.PrivateKey, error) {
	der, err := store.Get(sealedName)
	if errors.Is(err, fs.ErrNotExist) {
		return generate(store)
	}
	if err != nil {
		return nil, fmt.Errorf("open manifest key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("open manifest key: the sealed key is damaged")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("open manifest key: it is of type %T, not RSA", parsed)
	}
	return key, nil
}

func generate(store Store) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("make manifest key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make manifest key: %w", err)
	}
	if err := store.Put(sealedName, der); err != nil {
		return nil, fmt.Errorf("make manifest key: %w", err)
	}
	return key, nil
}

// PublicPEM returns key as verifiers get it: SubjectPublicKeyInfo in PEM.
func PublicPEM(key *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("write manifest public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
