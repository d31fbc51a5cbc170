//go:build stack

package certs

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Interoperability test: what is made here must be fine for OpenSSL, which the
// stock client and its users stand on.
func TestOpenSSLAcceptsTheCertificates(t *testing.T) {
	f := inFolder(t)
	if _, err := CreateClient(f, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateServer(f, host, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"verify", "-x509_strict", "-CAfile", f.CA, "-purpose", "sslclient", f.ClientCert},
		{"verify", "-x509_strict", "-CAfile", f.CA, "-purpose", "sslserver", "-verify_hostname", host, f.ServerCert},
		{"req", "-verify", "-noout", "-in", f.ClientCSR},
		{"req", "-verify", "-noout", "-in", f.ServerCSR},
		{"pkey", "-check", "-noout", "-in", f.ServerKey},
		{"pkey", "-check", "-noout", "-in", f.Client},
	} {
		if output, err := exec.Command("openssl", arguments...).CombinedOutput(); err != nil {
			t.Errorf("openssl %s: %v\n%s", strings.Join(arguments, " "), err, output)
		}
	}
	if output, err := exec.Command("openssl", "verify", "-CAfile", f.CA, "-verify_hostname", "other.example.com", f.ServerCert).CombinedOutput(); err == nil {
		t.Errorf("openssl accepts another name:\n%s", output)
	}
}

// A client certificate as the stock client makes it, with extensions that are
// not critical and both usages on the authority, must be usable here.
func TestCertificatesOfTheStockClient(t *testing.T) {
	f := inFolder(t)
	script := `set -e
openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 730 -subj '/C=US/O=Own/CN=Client CA' -keyout ca-key.pem -out ca.pem \
	-addext basicConstraints=CA:TRUE -addext extendedKeyUsage=clientAuth,serverAuth -addext keyUsage=keyCertSign,cRLSign
openssl req -newkey rsa:2048 -nodes -sha256 -subj '/C=US/O=Own/CN=Client' -keyout key.pem -out csr.pem
printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth,serverAuth\nkeyUsage=digitalSignature\n' > extensions
openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca-key.pem -set_serial 77 -days 365 -sha256 -extfile extensions -out cert.pem
cat cert.pem key.pem > both.pem`
	if output, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	f.CA, f.CAKey, f.Client = "ca.pem", "ca-key.pem", "both.pem"
	if _, err := LoadClient(f, time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := CreateServer(f, host, time.Now()); err != nil {
		t.Error(err)
	}
}
