package push

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
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

// What is pushed is the image that was saved, under its digest and no tag, in
// whatever way the registry is asked to be asked.
func TestPush(t *testing.T) {
	quirks := map[string]registry.Quirk{"none": func(next http.Handler) http.Handler { return next }}
	for _, name := range []string{"nodigesthead", "nodigest", "head405", "limit429", "immutable", "gitlab", "rellocation"} {
		quirks[name] = registry.Quirks[name]
	}
	for name, quirk := range quirks {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil, quirk)
			image, work := newImage(t), t.TempDir()
			var output bytes.Buffer
			pushed, err := new(Pusher).Push(t.Context(), f.target, save(t, image), work, &output)
			if err != nil {
				t.Fatal(err)
			}
			reference, err := reference(f.target.Repository, pushed.Digest)
			if err != nil {
				t.Fatal(err)
			}
			found, err := remote.Image(reference, remote.WithAuth(&authn.Basic{Username: f.target.User, Password: string(f.target.Password)}))
			if err != nil {
				t.Fatal(err)
			}
			same(t, found, image)
			want, err := image.ConfigName()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := found.ConfigName(); err != nil || got != want {
				t.Errorf("configuration %v, want %v (%v)", got, want, err)
			}
			if strings.Count(output.String(), ": Pushed\n") != 5 {
				t.Errorf("output:\n%s", &output)
			}
			if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
				t.Errorf("%d files are left, %v", len(left), err)
			}
			if n := f.count("/manifests/latest") + f.count("/manifests/x"); n != 0 {
				t.Errorf("a tag was asked for %d times", n)
			}
		})
	}
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

// The same content becomes the same bytes, and a layer that was pushed is neither
// compressed nor uploaded again, in the same repository; in another it is.
func TestPushAgain(t *testing.T) {
	f := start(t, nil)
	archive := saved(t)
	first := f.push(t, new(Pusher), archive)
	p := new(Pusher)
	if second := f.push(t, p, archive); second.Digest != first.Digest {
		t.Errorf("digest %s, then %s", first.Digest, second.Digest)
	}
	uploads := f.count("PUT /v2/ns/app/blobs/")
	if uploads != 6 {
		t.Errorf("%d blobs were uploaded in two pushes", uploads)
	}
	work := filepath.Join(t.TempDir(), "none") // where no layer can be compressed
	if _, err := p.Push(t.Context(), f.target, archive, work, io.Discard); err != nil {
		t.Errorf("what is known was compressed: %v", err)
	}
	f.target.Repository = f.host + "/ns/other"
	if other := f.push(t, p, archive); other.Digest != first.Digest || f.count("PUT /v2/ns/other/blobs/") != 6 {
		t.Errorf("digest %s, %d uploads", other.Digest, f.count("PUT /v2/ns/other/blobs/"))
	}
}

// An archive whose layer is not the one that its configuration names is refused.
func TestPushChecksLayers(t *testing.T) {
	f := start(t, nil)
	config := []byte(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("0a", 32) + `"]}}`)
	for name, files := range map[string]map[string]string{
		"another layer":  {"manifest.json": `[{"Config":"c.json","Layers":["1/layer.tar"]}]`, "c.json": string(config), "1/layer.tar": "content"},
		"no layer":       {"manifest.json": `[{"Config":"c.json","Layers":["1/layer.tar"]}]`, "c.json": string(config)},
		"too few layers": {"manifest.json": `[{"Config":"c.json","Layers":[]}]`, "c.json": string(config)},
		"no image":       {"manifest.json": `[]`},
		"no manifest":    {"c.json": string(config)},
	} {
		archive := filepath.Join(t.TempDir(), "image.tar")
		var content bytes.Buffer
		w := tar.NewWriter(&content)
		for name, text := range files {
			if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Close(), os.WriteFile(archive, content.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		if pushed, err := new(Pusher).Push(t.Context(), f.target, archive, t.TempDir(), io.Discard); err == nil {
			t.Errorf("%s: pushed %s", name, pushed.Digest)
		}
	}
	if n := f.count("PUT /v2/ns/app/manifests/"); n != 0 {
		t.Errorf("%d manifests were written", n)
	}
}

func TestPushRefused(t *testing.T) {
	archive := saved(t)
	f := start(t, nil)
	wrong := f.target
	wrong.Password = "wrong-word"
	_, err := new(Pusher).Push(t.Context(), wrong, archive, t.TempDir(), io.Discard)
	if !errors.As(err, new(*signature.AccessError)) || strings.Contains(err.Error(), "wrong-word") {
		t.Errorf("a wrong password: %v", err)
	}
	forbidden := start(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	_, err = new(Pusher).Push(t.Context(), forbidden.target, archive, t.TempDir(), io.Discard)
	if !errors.As(err, new(*signature.ForbiddenError)) || !strings.Contains(err.Error(), "blobs/uploads/") || strings.Contains(err.Error(), "password") {
		t.Errorf("no right to push: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by clean")
	cancel(stopped)
	if _, err = new(Pusher).Push(ctx, f.target, archive, t.TempDir(), io.Discard); !errors.Is(err, stopped) {
		t.Errorf("stopped: %v", err)
	}
}

// An image of a configuration alone has an empty list of layers, and no null.
func TestPushWithoutLayers(t *testing.T) {
	f := start(t, nil)
	pushed := f.push(t, new(Pusher), save(t, empty.Image))
	if !bytes.Contains(pushed.Manifest, []byte(`"layers": []`)) {
		t.Errorf("the manifest is %s", pushed.Manifest)
	}
}
