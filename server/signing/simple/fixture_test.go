package simple_test

// What the tests sign with and in: keys and stores in memory, a real registry.

import (
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
	"github.com/opensbs/sbs/test/kit/testregistry"
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

// push uploads a new image under the tags and returns the request to sign it.
func push(t *testing.T, server *registry.Server, tags ...string) signing.Request {
	t.Helper()
	var references []string
	for _, tag := range tags {
		references = append(references, "ns/app:"+tag)
	}
	pushed := testregistry.Of(server).PushImage(t, newImage(t), references...)
	return signing.Request{
		Account: api.RegistryAccount{User: server.Writer().User, Password: api.Secret(server.Writer().Password)},
		Image:   signing.Image{Repository: server.Address() + "/ns/app", Tags: tags, Digest: pushed.Digest.String(), Size: pushed.Size},
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
