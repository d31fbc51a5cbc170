package certs

import (
	"os"
	"strings"
	"testing"
	"time"
)

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
		{"clock too early", func(*testing.T, *Files) time.Time { return now.AddDate(0, 0, -1) }, "not valid before"},
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
