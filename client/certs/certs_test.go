package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	if err == nil || !strings.Contains(err.Error(), f.Client) || !strings.Contains(advice.Next(err), "delete-certificates") {
		t.Fatalf("got %v, advice %q", err, advice.Next(err))
	}
	if text, err := os.ReadFile(f.Client); err != nil || string(text) != "mine" {
		t.Error("the file was overwritten")
	}
	if _, err := os.Stat(f.CAKey); !errors.Is(err, fs.ErrNotExist) {
		t.Error("other files were made beside it")
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

func TestErrorsAboutCertificates(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(*testing.T, *Files) time.Time
		want   string
	}{
		{"nothing there", func(t *testing.T, f *Files) time.Time {
			*f = Locate("other", "x", Named{})
			return now
		}, "no such file"},
		{"expired authority", func(*testing.T, *Files) time.Time { return now.AddDate(2, 0, 1) }, "authority .SBContainer-1234.d/client-ca.pem expired on 2028-05-06"},
		{"expired certificate", func(*testing.T, *Files) time.Time { return now.AddDate(1, 0, 1) }, "expired on 2027-05-06"},
		{"clock behind", func(*testing.T, *Files) time.Time { return now.AddDate(0, 0, -1) }, "not valid before"},
		{"no authority", func(_ *testing.T, f *Files) time.Time {
			f.CA = f.ClientCert
			return now
		}, "is no certificate authority"},
		{"another authority", func(t *testing.T, f *Files) time.Time {
			other := Locate("other", "x", Named{})
			if _, err := CreateClient(other, now); err != nil {
				t.Fatal(err)
			}
			f.CA, f.CAKey = other.CA, other.CAKey
			return now
		}, "was not signed by"},
		{"key of another", func(t *testing.T, f *Files) time.Time {
			replace(t, f.Client, f.ClientCert, f.ServerKey)
			return now
		}, "does not belong to the certificate"},
		{"key with passphrase", func(t *testing.T, f *Files) time.Time {
			if err := os.WriteFile(f.ClientKey, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			replace(t, f.Client, f.ClientCert, f.ClientKey)
			return now
		}, "passphrase"},
		{"no certificate", func(t *testing.T, f *Files) time.Time {
			replace(t, f.Client, f.ClientKey)
			return now
		}, "holds no certificate"},
		{"server certificate as client's", func(t *testing.T, f *Files) time.Time {
			replace(t, f.Client, f.ServerCert, f.ServerKey)
			return now
		}, "incompatible key usage"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := inFolder(t)
			createBoth(t, f)
			at := test.damage(t, &f)
			_, err := LoadClient(f, at)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func replace(t *testing.T, path string, parts ...string) {
	t.Helper()
	var joined []byte
	for _, part := range parts {
		text, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		joined = append(joined, text...)
	}
	if err := os.WriteFile(path, joined, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyOfAnotherAuthorityIsRefused(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	f.CAKey = f.ClientKey
	_, err := CreateServer(f, "new.example.com", now)
	if err == nil || !strings.Contains(err.Error(), "does not belong to the certificate authority") {
		t.Errorf("got %v", err)
	}
}

func TestOwnFilesAreUsedAndKept(t *testing.T) {
	made := inFolder(t)
	createBoth(t, made)
	if err := os.Mkdir("sbs-keys", 0o700); err != nil {
		t.Fatal(err)
	}
	own := Locate("SBContainer", "1234", Named{CA: made.CA, CAKey: made.CAKey, Client: made.Client, ServerCSR: "sbs-keys/server-csr.pem", ServerCert: "sbs-keys/server-cert.pem"})
	if files, err := CreateClient(own, now); err != nil || files != nil {
		t.Errorf("made %v, %v", files, err)
	}
	if _, err := CreateServer(own, host, now); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server-csr.pem", "server-cert.pem", "server-cert-key.pem"} {
		if _, err := os.Stat(filepath.Join("sbs-keys", name)); err != nil {
			t.Error(err)
		}
	}
	if removed, err := own.Delete(); err != nil || removed != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
	own.Client = "missing.pem"
	if _, err := CreateClient(own, now); err == nil || !strings.Contains(advice.Next(err), "CLIENT_CRT_KEY") {
		t.Errorf("got %v, advice %q", err, advice.Next(err))
	}
}

func TestAuthorityWithAnEllipticKey(t *testing.T) {
	f := inFolder(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template, err := leaf("Own CA", now)
	if err != nil {
		t.Fatal(err)
	}
	template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{"ca.pem": encodePEM("CERTIFICATE", der), "ca-key.pem": encodePEM("EC PRIVATE KEY", keyDER)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.CA, f.CAKey = "ca.pem", "ca-key.pem"
	if _, err := CreateServer(f, host, now); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadServer(f, host, now); err != nil {
		t.Error(err)
	}
}

func TestDeleteRemovesOnlyWhatIsFromHere(t *testing.T) {
	f := inFolder(t)
	createBoth(t, f)
	if err := os.WriteFile(filepath.Join(f.Folder, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Delete(); err == nil || advice.Next(err) == "" {
		t.Errorf("a foreign file in the folder: %v", err)
	}
	if _, err := os.Stat(filepath.Join(f.Folder, "notes.txt")); err != nil {
		t.Error("a foreign file was deleted")
	}
	if err := os.Remove(filepath.Join(f.Folder, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	if removed, err := f.Delete(); err != nil || !slices.Equal(removed, []string{f.Folder}) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if removed, err := f.Delete(); err != nil || removed != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
}
