package attest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-tdx-guest/testing/testdata"
)

// statements are Intel's of the published processor, made to fit the tests' own:
// signed under its root, valid now, and content with any version.
type statements struct {
	m       *trusted
	folder  string
	signing *issuer
	until   string // next update
	status  string // of every level of the TCB
}

func newStatements(t *testing.T, m *trusted) *statements {
	t.Helper()
	return &statements{
		m: m, folder: t.TempDir(), until: "2026-06-01T00:00:00Z", status: "UpToDate",
		signing: m.root.issue(t, "Intel SGX TCB Signing", newKey(t), nil),
	}
}

var (
	version    = regexp.MustCompile(`"(svn|pcesvn|isvsvn)":\d+`)
	nextUpdate = regexp.MustCompile(`"nextUpdate":"[^"]*"`)
	tcbStatus  = regexp.MustCompile(`"tcbStatus":"[^"]*"`)
	signedBody = regexp.MustCompile(`^\{"(\w+)":(.*),"signature":"[0-9a-f]*"\}\s*$`)
)

// write makes the folder. revoked are certificates of the platform authority.
func (s *statements) write(t *testing.T, revoked ...*x509.Certificate) string {
	t.Helper()
	chain := asPEM("CERTIFICATE", s.m.root.certificate.Raw)
	for name, content := range map[string][]byte{
		"tcb-info.json":    s.signed(t, testdata.TcbInfoBody),
		"qe-identity.json": s.signed(t, testdata.QeIdentityBody),
		"tcb-info.pem":     slices.Concat(asPEM("CERTIFICATE", s.signing.certificate.Raw), chain),
		"qe-identity.pem":  slices.Concat(asPEM("CERTIFICATE", s.signing.certificate.Raw), chain),
		"pck-crl.der":      list(t, s.m.platform, revoked...),
		"pck-crl.pem":      slices.Concat(asPEM("CERTIFICATE", s.m.platform.certificate.Raw), chain),
		"root-crl.der":     list(t, s.m.root),
	} {
		if err := os.WriteFile(filepath.Join(s.folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s.folder
}

func (s *statements) signed(t *testing.T, published []byte) []byte {
	t.Helper()
	parts := signedBody.FindSubmatch(published)
	if parts == nil {
		t.Fatal("the published statement has another form")
	}
	body := version.ReplaceAll(parts[2], []byte(`"$1":0`))
	body = nextUpdate.ReplaceAll(body, []byte(`"nextUpdate":"`+s.until+`"`))
	body = tcbStatus.ReplaceAll(body, []byte(`"tcbStatus":"`+s.status+`"`))
	signature := hex.EncodeToString(rawSignature(t, s.signing.key.(*ecdsa.PrivateKey), body))
	return bytes.Join([][]byte{[]byte(`{"` + string(parts[1]) + `":`), body, []byte(`,"signature":"` + signature + `"}`)}, nil)
}

func list(t *testing.T, i *issuer, revoked ...*x509.Certificate) []byte {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.AddDate(0, -1, 0), NextUpdate: now.AddDate(0, 1, 0)}
	for _, certificate := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: certificate.SerialNumber, RevocationTime: now})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, i.certificate, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCollateral(t *testing.T) {
	t.Run("good", func(t *testing.T) {
		m := newTDX(t)
		m.policy.Collateral = newStatements(t, m).write(t)
		report, err := m.check()
		passed(t, report, err, checkKind, checkQuote, checkCollateral, checkDebug, checkNonce, checkTLS, "key: manifest", checkMeasurement, "measurement: RTMR1", "measurement: RTMR2")
		unproven(t, report, "RTMR0", "RTMR3")
	})
	for name, test := range map[string]struct {
		change func(*testing.T, *statements) string // returns the folder
		says   string
	}{
		"firmware out of date": {func(t *testing.T, s *statements) string { s.status = "OutOfDate"; return s.write(t) }, "OutOfDate"},
		"statement out of date": {func(t *testing.T, s *statements) string {
			s.until = now.Add(-time.Hour).Format(time.RFC3339)
			return s.write(t)
		}, "expired"},
		"revoked processor": {func(t *testing.T, s *statements) string { return s.write(t, s.m.pck.certificate) }, "revoked"},
		"somebody else's statements": {func(t *testing.T, s *statements) string {
			other := newStatements(t, newTDX(t))
			return other.write(t)
		}, "verif"},
		"changed statement": {func(t *testing.T, s *statements) string {
			folder := s.write(t)
			path := filepath.Join(folder, "tcb-info.json")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, bytes.Replace(text, []byte("TDX Module"), []byte("TDX module"), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			return folder
		}, "could not verify response body"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newTDX(t)
			m.policy.Collateral = test.change(t, newStatements(t, m))
			_, err := m.check()
			refusal(t, err, checkQuote, test.says)
		})
	}
}
