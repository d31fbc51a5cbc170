package certs

import (
	"crypto/rand"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

// bundled adds certificates to f's CA bundle before that of its CA: one of another CA and
// one that can't be parsed.
func bundled(t *testing.T, f Files, at time.Time) Files {
	t.Helper()
	other := Locate("other", "x", Named{})
	if _, err := CreateClient(other, at); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("damaged.pem", encodePEM("CERTIFICATE", []byte("damaged")), 0o600); err != nil {
		t.Fatal(err)
	}
	replace(t, "ca-bundle.pem", other.CA, "damaged.pem", f.CA)
	f.CA = "ca-bundle.pem"
	return f
}

func TestEveryAuthorityOfABundleIsARoot(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	alone, err := LoadClient(f, now)
	if err != nil {
		t.Fatal(err)
	}
	bundle := bundled(t, f, now)
	client, err := LoadClient(bundle, now)
	if err != nil {
		t.Fatal(err)
	}
	if !client.Root.Equal(alone.Root) || string(client.RootPEM) != string(alone.RootPEM) {
		t.Errorf("%s is mistaken for the authority that signed", client.Root.Subject)
	}
	if client.Roots.Equal(alone.Roots) {
		t.Error("only one authority of the bundle is trusted")
	}
	// CAKEYPATH may belong to any of them.
	if err := os.Remove(f.ServerCert); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateServer(bundle, host, now); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadServer(bundle, host, now); err != nil {
		t.Error(err)
	}
}

func TestAnExpiredAuthorityOfABundleIsNamed(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	ca, err := loadAuthority(f, now)
	if err != nil {
		t.Fatal(err)
	}
	key, keyPEM, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	template, err := leaf("Client", now)
	if err != nil {
		t.Fatal(err)
	}
	template.NotAfter = now.AddDate(10, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Client, append(encodePEM("CERTIFICATE", der), keyPEM...), 0o600); err != nil {
		t.Fatal(err)
	}
	later := now.AddDate(2, 0, 1)
	bundle := bundled(t, f, later)
	if _, err := LoadClient(bundle, later); err == nil || !strings.Contains(err.Error(), "authority ca-bundle.pem expired on 2028-05-06") || advice.CodeOf(err) != RenewClient {
		t.Errorf("got %v", err)
	}
	if _, err := CreateServer(bundle, host, later); err == nil || !strings.Contains(err.Error(), "authority ca-bundle.pem expired on 2028-05-06") {
		t.Errorf("got %v", err)
	}
}
