package pipeline

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
	// manifestKeyName is where the manifest key is sealed: PKCS #8, DER.
	manifestKeyName = "manifest/key"
	manifestKeyBits = 3072
)

// Sealed declares what the pipeline seals and what travels with the state.
func Sealed() []stateimage.Sealed { return []stateimage.Sealed{{Name: manifestKeyName}} }

// manifestKey opens the RSA key that signs manifests. It is born at first use,
// in the enclave, and is durable before anything is signed with it.
func manifestKey(store Store) (*rsa.PrivateKey, error) {
	der, err := store.Get(manifestKeyName)
	if errors.Is(err, fs.ErrNotExist) {
		return newManifestKey(store)
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

func newManifestKey(store Store) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, manifestKeyBits)
	if err != nil {
		return nil, fmt.Errorf("make manifest key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make manifest key: %w", err)
	}
	if err := store.Put(manifestKeyName, der); err != nil {
		return nil, fmt.Errorf("make manifest key: %w", err)
	}
	return key, nil
}

// publicPEM is the form in which verifiers get the key: SubjectPublicKeyInfo.
func publicPEM(key *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("write manifest public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
