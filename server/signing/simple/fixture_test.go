package simple_test

// What the tests sign with and in: keys and stores in memory, a real registry.

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// memory is a sealed store and a lookaside store.
type memory struct {
	*memstore.Store
	mu         sync.Mutex
	signatures map[string][][]byte
}

func newMemory() *memory {
	return &memory{Store: memstore.New(), signatures: map[string][][]byte{}}
}

func (m *memory) Signatures(image string) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signatures[image], nil
}

func (m *memory) AddSignature(image string, signature []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.signatures[image] = append(m.signatures[image], signature)
	return nil
}

func startRegistry(t *testing.T, extensions ...func(http.Handler) http.Handler) *registry.Server {
	t.Helper()
	server, err := registry.Start(t.Context(), t.TempDir(), extensions...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}

// push uploads a new image under the tags and returns the request to sign it.
func push(t *testing.T, server *registry.Server, tags ...string) signing.Request {
	t.Helper()
	image := newImage(t)
	repository := server.Address() + "/ns/app"
	for _, tag := range tags {
		reference, err := name.NewTag(repository + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		account := authn.FromConfig(authn.AuthConfig{Username: server.Writer().User, Password: server.Writer().Password})
		if err := remote.Write(reference, image, remote.WithContext(t.Context()), remote.WithAuth(account)); err != nil {
			t.Fatal(err)
		}
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := image.Size()
	if err != nil {
		t.Fatal(err)
	}
	return signing.Request{
		Account: api.RegistryAccount{User: server.Writer().User, Password: api.Secret(server.Writer().Password)},
		Image:   signing.Image{Repository: repository, Tags: tags, Digest: digest.String(), Size: size},
	}
}

func newImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture = "linux", "amd64"
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}
