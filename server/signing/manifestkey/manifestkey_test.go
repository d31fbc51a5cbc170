package manifestkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// store is a sealed store in memory, by the names that are on volumes.
type store struct {
	sealed map[string][]byte
	full   error // of Put
}

func (s *store) Get(name string) ([]byte, error) {
	if secret, ok := s.sealed[name]; ok {
		return secret, nil
	}
	return nil, fs.ErrNotExist
}

func (s *store) Put(name string, secret []byte) error {
	if s.full == nil {
		s.sealed[name] = secret
	}
	return s.full
}

func TestKeyIsGeneratedOnce(t *testing.T) {
	sealed := &store{sealed: map[string][]byte{}}
	key, err := Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := sealed.sealed["manifest/key"]; !ok || len(sealed.sealed) != 1 || key.N.BitLen() != 3072 {
		t.Errorf("a key of %d bits; sealed are %d names, manifest/key: %v", key.N.BitLen(), len(sealed.sealed), ok)
	}
	again, err := Open(sealed)
	if err != nil || !again.Equal(key) {
		t.Errorf("the second call returns another key, error %v", err)
	}
	text, err := PublicPEM(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		t.Fatalf("the public key is %q", text)
	}
	if public, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || !key.PublicKey.Equal(public) {
		t.Errorf("the public key is another, error %v", err)
	}
}

func TestKeyThatCanNotBeStoredIsNotReturned(t *testing.T) {
	full := errors.New("no space left")
	if key, err := Open(&store{full: full}); key != nil || !errors.Is(err, full) {
		t.Errorf("got a key: %v, error %v", key != nil, err)
	}
}

// A sealed key that can't be read is never replaced by another.
func TestDamagedKeyIsKept(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for cause, secret := range map[string][]byte{"damaged": []byte("x"), "not RSA": der} {
		sealed := &store{sealed: map[string][]byte{"manifest/key": secret}}
		key, err := Open(sealed)
		if key != nil || err == nil || !strings.Contains(err.Error(), cause) || string(sealed.sealed["manifest/key"]) != string(secret) {
			t.Errorf("%s: error %v", cause, err)
		}
	}
}
