package signedmanifest

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParsePublicKey: whatever the file holds, it is refused or a key that is
// written and read as the same.
func FuzzParsePublicKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := ParsePublicKey(text)
		if err != nil {
			return
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if err != nil || !again.Equal(key) {
			t.Fatalf("%v became %v, %v", key, again, err)
		}
	})
}

// FuzzManifest: a file whose signature does not hold leaves nothing,
// whatever else it is.
func FuzzManifest(f *testing.F) {
	keys, err := makeKeys()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("BZh91AY&SY"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		folder := t.TempDir()
		path := filepath.Join(folder, "manifest."+build+".sig.tbz")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Manifest(t.Context(), path, &keys[0].PublicKey); err == nil {
			t.Error("a signature of nobody held")
		}
		if _, err := Read(t.Context(), path, &keys[0].PublicKey, folder); err == nil {
			t.Error("a signature of nobody held")
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
			t.Errorf("%d files are left, %v", len(left), err)
		}
	})
}
