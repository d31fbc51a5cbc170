// Package plainvolume opens data volumes for tests of the packages above package volume.
// What they seal is stored in clear: package enclave tests sealing.
package plainvolume

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/opensbs/sbs/server/volume"
)

// sealer is a volume.Sealer that does not encrypt.
type sealer struct{}

func (sealer) Seal(_ string, text []byte) ([]byte, error)     { return text, nil }
func (sealer) Unseal(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// Open opens the data volume in the folder dir, and closes it at the end of the test
// unless the test has closed it.
func Open(t testing.TB, dir string) *volume.Volume {
	t.Helper()
	opened, err := volume.Open(dir, sealer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return opened
}

// Files returns the hashes of all files in the folder of a volume, by name.
func Files(t testing.TB, dir string) map[string][sha256.Size]byte {
	t.Helper()
	found := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		found[name] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
