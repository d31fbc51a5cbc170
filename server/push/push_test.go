package push

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/harness/registry"
)

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
