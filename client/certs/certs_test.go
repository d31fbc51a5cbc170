package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

const host = "sbs.example.com"

// inFolder makes a working directory and returns the default files in it.
func inFolder(t *testing.T) Files {
	t.Helper()
	t.Chdir(t.TempDir())
	return Locate("SBContainer", "1234", Named{})
}

func createBoth(t *testing.T, f Files) {
	t.Helper()
	if _, err := CreateClient(f, now); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateServer(f, host, now); err != nil {
		t.Fatal(err)
	}
}

func TestCreatedFilesHaveTheStockNamesAndSafeModes(t *testing.T) {
	createBoth(t, inFolder(t))
	for path, mode := range map[string]fs.FileMode{
		".SBContainer-1234":                          0o600,
		".SBContainer-1234.d":                        0o700 | fs.ModeDir,
		".SBContainer-1234.d/client-ca.pem":          0o644,
		".SBContainer-1234.d/client-ca-key.pem":      0o600,
		".SBContainer-1234.d/client-cert.pem":        0o644,
		".SBContainer-1234.d/client-cert-key.pem":    0o600,
		".SBContainer-1234.d/client-csr.pem":         0o644,
		".SBContainer-1234.d/client-cert-bundle.pem": 0o644,
		".SBContainer-1234.d/server-cert.pem":        0o644,
		".SBContainer-1234.d/server-cert-key.pem":    0o600,
		".SBContainer-1234.d/server-csr.pem":         0o644,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
		} else if info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), mode)
		}
	}
}

func TestCreatedCertificates(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	client, err := LoadClient(f, now)
	if err != nil {
		t.Fatal(err)
	}
	server, err := LoadServer(f, host, now)
	if err != nil {
		t.Fatal(err)
	}
	serials := map[string]bool{}
	for _, test := range []struct {
		name  string
		cert  *x509.Certificate
		until time.Time
		usage []x509.ExtKeyUsage
		isCA  bool
	}{
		{"authority", client.Root, now.AddDate(2, 0, 0), nil, true},
		{"client", client.Certificate, now.AddDate(1, 0, 0), []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, false},
		{"server", server.Certificate, now.AddDate(1, 0, 0), []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if key, ok := test.cert.PublicKey.(*rsa.PublicKey); !ok || key.N.BitLen() != 2048 {
				t.Error("its key is not RSA-2048, which the stock client makes")
			}
			if test.cert.Version != 3 || test.cert.SignatureAlgorithm != x509.SHA256WithRSA {
				t.Errorf("version %d, %v", test.cert.Version, test.cert.SignatureAlgorithm)
			}
			if !test.cert.NotAfter.Equal(test.until) || test.cert.NotBefore.After(now) {
				t.Errorf("valid from %v to %v", test.cert.NotBefore, test.cert.NotAfter)
			}
			if test.cert.IsCA != test.isCA || !slices.Equal(test.cert.ExtKeyUsage, test.usage) {
				t.Errorf("authority %v, usage %v", test.cert.IsCA, test.cert.ExtKeyUsage)
			}
			serial := test.cert.SerialNumber
			if serial.Sign() <= 0 || serial.BitLen() < 64 || serial.BitLen() > 128 || serials[serial.String()] {
				t.Errorf("serial number %v", serial)
			}
			serials[serial.String()] = true
		})
	}
	if !slices.Equal(server.Certificate.DNSNames, []string{host}) {
		t.Errorf("names %v", server.Certificate.DNSNames)
	}
}

func TestCreateClientOverwritesNothing(t *testing.T) {
	f := inFolder(t)
	if err := os.WriteFile(f.Client, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := CreateClient(f, now)
	if err == nil || !strings.Contains(err.Error(), f.Client) || advice.CodeOf(err) != ClientExists {
		t.Fatalf("got %v, advice %q", err, advice.CodeOf(err))
	}
	if text, err := os.ReadFile(f.Client); err != nil || string(text) != "mine" {
		t.Error("the file was overwritten")
	}
	if _, err := os.Stat(f.CAKey); !errors.Is(err, fs.ErrNotExist) {
		t.Error("other files were made as well")
	}
}

// Two commands at once: the second finds a file that was not there
// when it looked.
func TestWriteNewDoesNotOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, []byte("mine"), secretMode); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(content{path, []byte("other"), secretMode}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Error("the file was overwritten")
	}
}

func TestCreateServerOnlyWhenNeeded(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	first, err := os.ReadFile(f.ServerCert)
	if err != nil {
		t.Fatal(err)
	}
	same := func(hostname string, at time.Time) bool {
		t.Helper()
		reason, err := CreateServer(f, hostname, at)
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(f.ServerCert)
		if err != nil {
			t.Fatal(err)
		}
		unchanged := string(first) == string(second)
		if unchanged != (reason == "") {
			t.Errorf("unchanged %v, but the reason is %q", unchanged, reason)
		}
		first = second
		return unchanged
	}
	if !same(host, now) {
		t.Error("a good certificate was replaced")
	}
	if same("other.example.com", now) {
		t.Error("a certificate for another name was kept")
	}
	if same("192.0.2.7", now) {
		t.Error("a certificate for a name was kept for an address")
	}
	if cert, _, err := readCertificate(f.ServerCert); err != nil || len(cert.DNSNames) != 0 || !cert.IPAddresses[0].Equal(net.IPv4(192, 0, 2, 7)) {
		t.Errorf("an address must be an address in the SAN: %v", err)
	}
	if same("192.0.2.7", now.AddDate(1, 0, 1)) {
		t.Error("an expired certificate was kept")
	}
	if cert, _, err := readCertificate(f.ServerCert); err != nil || !cert.NotAfter.Equal(now.AddDate(2, 0, 0)) {
		t.Errorf("a certificate may not outlive its authority: %v, %v", cert.NotAfter, err)
	}
	if err := os.Remove(f.ServerKey); err != nil {
		t.Fatal(err)
	}
	if same("192.0.2.7", now.AddDate(1, 0, 1)) {
		t.Error("a certificate without its key was kept")
	}
}
