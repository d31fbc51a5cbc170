package httpclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func authority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A part of a bundle that is passed over is an authority that is silently not
// trusted.
func TestBundlesAreReadWholly(t *testing.T) {
	first, second := authority(t), authority(t)
	system, err := Roots(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	both, err := Roots([]byte("# ours\n"+string(first)+"# theirs\n"+string(second)+"\n"), nil, first)
	if err != nil || both.Equal(system) {
		t.Errorf("%v", err)
	}
	for name, bundle := range map[string][]byte{
		"no PEM":        []byte("no PEM"),
		"DER":           first[:20],
		"cut short":     slices.Concat(first, second[:len(second)/2]),
		"a private key": slices.Concat(first, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("s3cret")})),
		"damaged":       slices.Concat(first, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("damaged")})),
	} {
		if _, err := Roots(bundle); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := NewTrusting(bundle); err == nil {
			t.Errorf("%s was mistaken for a connection", name)
		}
	}
}
