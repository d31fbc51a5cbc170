package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api/attestation"
)

// now is when the tests' own certificates are valid.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// issuer makes certificates.
type issuer struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// issue certifies key under i, or by itself when i is nil.
func (i *issuer) issue(t *testing.T, name string, key crypto.Signer, change func(*x509.Certificate)) *issuer {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if i != nil {
		parent, signer = i.certificate, i.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{certificate, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func authority(template *x509.Certificate) {
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
}

// file writes content and returns its path.
func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func asPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (i *issuer) file(t *testing.T) string {
	t.Helper()
	return file(t, asPEM("CERTIFICATE", i.certificate.Raw))
}

// server is the peer of a session, and what its evidence is bound to.
func server(t *testing.T) (*x509.Certificate, attestation.Bound) {
	t.Helper()
	certificate := (*issuer)(nil).issue(t, "server", newKey(t), nil).certificate
	return certificate, attestation.Bound{
		Nonce: []byte("a nonce of 24 bytes, yes"),
		TLS:   attestation.DigestOf(certificate.RawSubjectPublicKeyInfo),
		Keys:  []attestation.Key{{Use: attestation.UseManifest, SHA256: attestation.DigestOf([]byte("manifest key"))}},
	}
}

// refusal wants err to refuse at check, and to say something.
func refusal(t *testing.T, err error, check, says string) {
	t.Helper()
	var refused *Refusal
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if refused.Check != check || !strings.Contains(err.Error(), says) || refused.Next() == "" {
		t.Errorf("refused at %q: %v (next: %s); want %q and %q", refused.Check, err, refused.Next(), check, says)
	}
}

// passed wants the report to have exactly these checks.
func passed(t *testing.T, report Report, err error, checks ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, finding := range report.Findings {
		got = append(got, finding.Check)
	}
	if !report.Accepted || strings.Join(got, ", ") != strings.Join(checks, ", ") {
		t.Errorf("accepted %v with %q, want %q", report.Accepted, got, checks)
	}
}

// unproven wants the report to leave these open, in this order and nothing else.
func unproven(t *testing.T, report Report, says ...string) {
	t.Helper()
	if len(report.Unproven) != len(says) {
		t.Errorf("the report leaves open %q, want %q", report.Unproven, says)
		return
	}
	for i, want := range says {
		if !strings.Contains(report.Unproven[i], want) {
			t.Errorf("the report leaves open %q, want %q", report.Unproven[i], want)
		}
	}
}
