package enclave

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpenMessage: whatever SERVER_KEY is given, it is opened or refused.
func FuzzOpenMessage(f *testing.F) {
	dir := f.TempDir()
	e, err := Simulate(dir)
	if err != nil {
		f.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(dir, FilePublicKey))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encryptTo(f, public, "secret", nil))
	f.Add([]byte("-----BEGIN PGP MESSAGE-----\n\nyDgBO22WxBHv7O8X7O/jygAEzol56iUKiXmV+XmpCtmpqQUKiQrFqclFqUDBovzSvBSFjNSiVHsuAA==\n=vZSX\n-----END PGP MESSAGE-----\n"))
	f.Fuzz(func(t *testing.T, message []byte) {
		text, err := e.OpenMessage(message)
		if err == nil && len(text) > maxMessage {
			t.Fatalf("%d bytes came out", len(text))
		}
		if err != nil && text != nil {
			t.Fatal("text came with an error")
		}
	})
}
