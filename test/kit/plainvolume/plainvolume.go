// Package plainvolume opens data volumes for tests of the packages above package volume.
// What they seal is stored in clear: package enclave tests sealing.
package plainvolume

import (
	"errors"
	"os"
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
