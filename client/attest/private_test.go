package attest

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opensbs/sbs/api/public"
)

// A file of a policy that holds a private key is refused, whatever else is in it.
func TestPrivateKeysInThePolicysFiles(t *testing.T) {
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	root := (*issuer)(nil).issue(t, "root", key, authority)
	private := asPEM("PRIVATE KEY", der)
	certificate := append(asPEM("CERTIFICATE", root.certificate.Raw), private...)
	revocations := append(asPEM("X509 CRL", list(t, root)), private...)

	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, public.ErrPrivate) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err = readCertificates(file(t, certificate))
	check("certificate in PEM", err)
	_, err = readCertificates(file(t, der))
	check("certificate in DER", err)
	_, err = readRevocationList(file(t, revocations))
	check("revocation list", err)
	_, err = (&SEVSNP{Product: "Milan", Chain: file(t, certificate)}).options(time.Now())
	check("AMD's chain", err)
	_, err = (&SEVSNP{RevocationList: file(t, revocations)}).options(time.Now())
	check("AMD's revocation list", err)
	_, err = (&TDX{Root: file(t, certificate)}).options(time.Now())
	check("Intel's root", err)
	_, err = parseServerCertificate(base64.StdEncoding.EncodeToString(certificate))
	check("SERVER_CRT", err)

	folder := t.TempDir()
	for name, content := range map[string][]byte{"tcb-info.json": []byte("{}"), "tcb-info.pem": certificate} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = collateral{folder}.Get("https://localhost/tdx/certification/v4/tcb?fmspc=00")
	check("Intel's statements", err)
}
