package sigstore

// The ECDSA key: born here, sealed, and only ever in clear in memory.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
)

// Keys is the sealed store: what is put is sealed, what is got is opened.
type Keys interface {
	// Get opens an entry. errors.Is(err, fs.ErrNotExist) when it is absent.
	Get(name string) ([]byte, error)
	// Put seals an entry; it is durable when Put returns.
	Put(name string, secret []byte) error
}

const keyName = "sigstore/key" // where the key is sealed: PKCS #8, DER

// key is the private key, and the public one in the forms it is shown in.
type key struct {
	private *ecdsa.PrivateKey
	pem     string
	hash    [sha256.Size]byte // of the public key's DER (SubjectPublicKeyInfo)
}

func (k key) id() string { return hex.EncodeToString(k.hash[:]) }

// sign signs the SHA-256 of content, deterministically; the result is DER.
func (k key) sign(content []byte) ([]byte, error) {
	digest := sha256.Sum256(content)
	signature, err := k.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signature, nil
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
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return key{}, fmt.Errorf("write the sigstore public key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return key{private, string(text), sha256.Sum256(der)}, nil
}
