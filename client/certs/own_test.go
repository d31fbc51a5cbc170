package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/client/advice"
)

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
	half := Locate("SBContainer", "1234", Named{CA: made.CA, CAKey: made.CAKey, Client: made.Client})
	if _, err := half.Delete(); err == nil {
		t.Error("the folder with its owner's files can't have been deleted")
	}
	if _, err := LoadClient(made, now); err != nil {
		t.Errorf("files that their owner named were deleted: %v", err)
	}
	if _, err := os.Stat(made.ServerKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server's files from here were kept: %v", err)
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
