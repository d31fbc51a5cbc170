package source

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/opensbs/sbs/api/public"
)

// A truncated bundle is refused, because a CA certificate would silently not be trusted.
// A bundle with a private key is refused too.
func TestBundlesOfCACertificates(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})

	for _, given := range []Anchors{{}, {CABundle: certificate}, {OperatorCABundle: certificate}} {
		if _, err := newAuthorities(given); err != nil {
			t.Error(err)
		}
	}
	for name, bundle := range map[string][]byte{
		"no PEM": []byte("x"), "cut short": slices.Concat(certificate, certificate[:len(certificate)/2]), "a private key": slices.Concat(certificate, private),
	} {
		for _, given := range []Anchors{{CABundle: bundle}, {OperatorCABundle: bundle}} {
			_, err := newAuthorities(given)
			if err == nil || (name == "a private key") != errors.Is(err, public.ErrPrivate) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}
