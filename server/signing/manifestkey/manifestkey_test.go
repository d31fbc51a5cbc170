package manifestkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/kit/memstore"
)

func TestKeyIsGeneratedOnce(t *testing.T) {
	sealed := memstore.New()
	key, err := Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := sealed.Entries["manifest/key"]; !ok || len(sealed.Entries) != 1 || key.N.BitLen() != 3072 {
		t.Errorf("a key of %d bits; sealed are %d names, manifest/key: %v", key.N.BitLen(), len(sealed.Entries), ok)
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
	if key, err := Open(&memstore.Store{Failing: map[string]error{"Put": full}}); key != nil || !errors.Is(err, full) {
		t.Errorf("got a key: %v, error %v", key != nil, err)
	}
}

// A sealed key that does not open is never replaced by another, which would be a second
// key of the same name.
func TestKeyThatDoesNotOpenIsKept(t *testing.T) {
	broken := errors.New("input/output error")
	sealed := memstore.With(map[string][]byte{"manifest/key": []byte("sealed")})
	sealed.Failing["Get"] = broken
	key, err := Open(sealed)
	if key != nil || !errors.Is(err, broken) || string(sealed.Entries["manifest/key"]) != "sealed" {
		t.Errorf("got a key: %v, error %v, sealed is %q", key != nil, err, sealed.Entries["manifest/key"])
	}
}

// A sealed key that is damaged is never replaced by another.
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
		sealed := memstore.With(map[string][]byte{"manifest/key": secret})
		key, err := Open(sealed)
		if key != nil || err == nil || !strings.Contains(err.Error(), cause) || string(sealed.Entries["manifest/key"]) != string(secret) {
			t.Errorf("%s: error %v", cause, err)
		}
	}
}
