package dct

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/notary/cryptoservice"
	"github.com/theupdateframework/notary/tuf/utils"

	"github.com/opensbs/sbs/signature/notary"
)

// newRoot is a root key as a repository names it, and the bare public key in PEM.
func newRoot(t *testing.T) (notary.RootKey, string) {
	t.Helper()
	private, err := utils.GenerateECDSAKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := cryptoservice.GenerateCertificate(private, "registry.example.com/ns/app", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	key := utils.CertToKey(certificate)
	canonical, err := utils.CanonicalKeyID(key)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.MarshalPKIXPublicKey(certificate.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return notary.RootKey{ID: key.ID(), Canonical: canonical, Public: key.Public()},
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: bare}))
}

func TestRoot(t *testing.T) {
	key, bare := newRoot(t)
	other, otherBare := newRoot(t)
	published := []notary.RootKey{other, key}
	for name, text := range map[string]string{
		"id":                    key.ID,
		"id in capitals":        strings.ToUpper(key.ID) + "\n",
		"id of the bare key":    key.Canonical,
		"certificate":           string(key.Public),
		"as in root.json":       base64.StdEncoding.EncodeToString(key.Public),
		"public key":            bare,
		"public key in base64 ": base64.StdEncoding.EncodeToString([]byte(bare)),
	} {
		root, err := ParseRoot(text)
		if err != nil || root.IsZero() || root.String() == "" {
			t.Errorf("%s: %v", name, err)
		}
		if found, there := root.among(published); !there || found.ID != key.ID {
			t.Errorf("%s: found %s", name, found.ID)
		}
		if found, there := root.among(published[:1]); there {
			t.Errorf("%s: found %s", name, found.ID)
		}
	}
	if other, err := ParseRoot(otherBare); err != nil || other.String() == key.ID {
		t.Errorf("another key: %v", err)
	}
	for _, text := range []string{"", " \n"} {
		root, err := ParseRoot(text)
		if err != nil || !root.IsZero() {
			t.Errorf("%q: %v, %v", text, root, err)
		}
		if _, there := root.among(published); there {
			t.Error("no key is among them")
		}
	}
	for _, text := range []string{"none", key.ID[:62], hex.EncodeToString(make([]byte, 33)), strings.Replace(bare, "MFkw", "MFkx", 1),
		strings.ReplaceAll(bare, "PUBLIC KEY", "PRIVATE KEY"), bare + strings.ReplaceAll(bare, "PUBLIC KEY", "PRIVATE KEY"),
		strings.Repeat(bare, 1000)} {
		if root, err := ParseRoot(text); err == nil {
			t.Errorf("%.40q was accepted as %s", text, root)
		}
	}
}
