package verify_test

// The real parts that a build without an engine needs: keys, stores and
// registries.

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	modern "github.com/google/go-containerregistry/pkg/registry"

	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// folder is a lookaside store of files, whose content may be changed after the
// signer has read back what it wrote.
type folder struct {
	path   string
	change func([]byte) []byte
	kept   map[string][][]byte // as the signer wrote them
}

func (f folder) Signatures(image string) ([][]byte, error) { return f.kept[image], nil }

func (f folder) AddSignature(image string, signature []byte) error {
	f.kept[image] = append(f.kept[image], signature)
	dir := filepath.Join(f.path, image)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "signature-"+string(rune('1'+len(there)))), f.change(signature), 0o600)
}

// server is what signs: its keys are made once for all tests, because that
// takes seconds.
type server struct {
	keys     *memstore.Store
	manifest *rsa.PrivateKey
}

// oneServer makes it.
var oneServer = sync.OnceValues(func() (server, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return server{memstore.New(), key}, err
})

func newServer(t *testing.T) server {
	t.Helper()
	s, err := oneServer()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withReferrers is a registry that anybody may read, with a referrers API.
func withReferrers(t *testing.T) (string, authn.AuthConfig) {
	t.Helper()
	server := httptest.NewServer(modern.New(modern.WithReferrersSupport(true), modern.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), authn.AuthConfig{}
}

// withFallback is one that asks for a password and has no such API.
func withFallback(t *testing.T) (string, authn.AuthConfig) {
	t.Helper()
	server, err := registry.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server.Address(), authn.AuthConfig{Username: server.Writer().User, Password: server.Writer().Password}
}
