package sigstore_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	reader "github.com/opensbs/sbs/signature/sigstore"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// quirky is a registry with habits.
func quirky(t *testing.T, quirks ...registry.Quirk) *fixture {
	t.Helper()
	return newFixture(t, testregistry.Of(testregistry.Start(t, quirks...)))
}

// known is the request without what a registry could be asked for.
func known(request signing.Request) signing.Request {
	request.Image.MediaType = "application/vnd.docker.distribution.manifest.v2+json"
	return request
}

// verified checks as a verifier does.
func (f *fixture) verified(t *testing.T, request signing.Request, key signing.PublicKey, form string) error {
	t.Helper()
	parsed, err := bundle.ParseKey([]byte(key.Key))
	if err != nil {
		t.Fatal(err)
	}
	asked := signature.Reference{Repository: request.Image.Repository, Digest: request.Image.Digest}
	_, err = reader.Verifier{Key: parsed, Form: form}.Verify(t.Context(), signature.Request{Reference: asked, Access: request.Access()})
	return err
}

// What is signed and attested in a registry with habits is found by who verifies.
func TestQuirks(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(registry.Quirks)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := quirky(t)
			request := known(f.push(t, "v1"))
			// The image was pushed by another program, to which the registry was kind.
			f = f.with(t, registry.Quirks[name], &request)
			signer := sigstore.New(memstore.New())
			for form, s := range map[string]*sigstore.Signer{api.SigningSigstore: signer, api.SigningSigstoreLegacy: signer.Legacy()} {
				if err := f.verified(t, request, sign(t, s, request), form); err != nil {
					t.Errorf("%s: %v", form, err)
				}
			}
			f.attest(t, signer, request, predicateType, `{"a":1}`)
		})
	}
}

// The error of a registry whose fallback tag has other content, or that refuses the
// attached manifest, advises what works there, and does not mention the password.
func TestRefusalAdvises(t *testing.T) {
	f := quirky(t)
	request := known(f.push(t, "v1"))
	if err := f.tag(t, request, strings.Replace(request.Image.Digest, ":", "-", 1)); err != nil {
		t.Fatal(err)
	}
	signer := sigstore.New(memstore.New())
	// The tag leads to the image itself, which is as if there was none.
	if err := f.verified(t, request, sign(t, signer, request), api.SigningSigstore); err != nil {
		t.Error(err)
	}
	other := known(f.push(t, "v2"))
	if err := f.tag(t, request, strings.Replace(other.Image.Digest, ":", "-", 1)); err != nil {
		t.Fatal(err)
	}
	_, err := signer.Sign(t.Context(), other, io.Discard)
	if !errors.As(err, new(*signature.ReferrerError)) || !strings.Contains(err.Error(), "ATTESTATIONS []") {
		t.Errorf("a tag that others use: %v", err)
	}
	forbidding := f.with(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, &request)
	_ = forbidding
	_, err = sigstore.New(memstore.New()).Sign(t.Context(), request, io.Discard)
	if err == nil || strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "PASSWORD") || !strings.Contains(err.Error(), "/manifests/sha256:") || !strings.Contains(err.Error(), "IMAGE_SIGNING") {
		t.Errorf("a refused referrer: %v", err)
	}
}

// Two who attach to one image at the same moment lose nothing: the second reads
// the index before the first writes it, and writes after it.
func TestTwoAtOnce(t *testing.T) {
	for _, form := range []string{api.SigningSigstore, api.SigningSigstoreLegacy} {
		t.Run(form, func(t *testing.T) {
			f := quirky(t)
			request := known(f.push(t, "v1"))
			meet := &meeting{both: make(chan struct{})}
			f = f.with(t, meet.quirk, &request)
			var (
				both sync.WaitGroup
				made [2]signing.PublicKey
			)
			for i := range made {
				signer := sigstore.New(memstore.New())
				if form == api.SigningSigstoreLegacy {
					signer = signer.Legacy()
				}
				both.Go(func() {
					var err error
					if made[i], err = signer.Sign(t.Context(), request, io.Discard); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			for _, key := range made {
				if err := f.verified(t, request, key, form); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// meeting lets the first two writes to a signature tag happen only when both have
// come, so that both read the tag before either wrote it.
type meeting struct {
	mu   sync.Mutex
	come int
	both chan struct{}
}

func (m *meeting) quirk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") {
			m.mu.Lock()
			m.come++
			if m.come == 2 {
				close(m.both)
			}
			m.mu.Unlock()
			<-m.both
		}
		next.ServeHTTP(w, r)
	})
}
