package push

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

func TestMain(m *testing.M) { testregistry.VerifyNoLeaks(m) }

// fixture is a registry and what was asked of it.
type fixture struct {
	target Target
	host   string

	mu    sync.Mutex
	asked []string // method and path
}

// start runs a registry with quirks. before gets each request first; the registry does
// not serve it if before returns true. It may be nil.
func start(t *testing.T, before func(w http.ResponseWriter, r *http.Request) bool, quirks ...registry.Quirk) *fixture {
	t.Helper()
	server := testregistry.Start(t, quirks...)
	f := &fixture{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: server.Address()})
		r.Out.Host = r.In.Host
	}}
	recording := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if before == nil || !before(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(recording.Close)
	f.host = strings.TrimPrefix(recording.URL, "http://")
	f.target = Target{Repository: f.host + "/ns/app", Access: signature.Access{User: server.Writer().User, Password: api.Secret(server.Writer().Password)}}
	return f
}

// count is how often something was asked whose method and path have a part.
func (f *fixture) count(part string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.asked {
		if strings.Contains(one, part) {
			n++
		}
	}
	return n
}

// leads is the digest that a tag leads to, or "".
func (f *fixture) leads(t *testing.T, tag string) string {
	t.Helper()
	repository, err := name.NewRepository(f.target.Repository)
	if err != nil {
		t.Fatal(err)
	}
	found, err := remote.Get(repository.Tag(tag), remote.WithAuth(&authn.Basic{Username: f.target.User, Password: string(f.target.Password)}))
	if err != nil {
		return ""
	}
	return found.Digest.String()
}

// save writes an image as docker save does.
func save(t *testing.T, image v1.Image) string {
	t.Helper()
	tag, err := name.NewTag("r.example.com/ns/app:x")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, tag, image); err != nil {
		t.Fatal(err)
	}
	return file
}

func newImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(100_000, 5)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// saved is the archive of an image with five layers.
func saved(t *testing.T) string { return save(t, newImage(t)) }

func (f *fixture) push(t *testing.T, p *Pusher, archive string) Pushed {
	t.Helper()
	pushed, err := p.Push(t.Context(), f.target, archive, t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

// same reads the layers of both.
func same(t *testing.T, found, want v1.Image) {
	t.Helper()
	got, err := found.Layers()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := want.Layers()
	if err != nil || len(got) != len(layers) {
		t.Fatalf("%d layers, want %d (%v)", len(got), len(layers), err)
	}
	for i, layer := range layers {
		if !bytes.Equal(content(t, got[i]), content(t, layer)) {
			t.Errorf("layer %d is another one", i)
		}
	}
}

func content(t *testing.T, layer v1.Layer) []byte {
	t.Helper()
	reader, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func reference(repository, digest string) (name.Digest, error) {
	return name.NewDigest(repository + "@" + digest)
}
