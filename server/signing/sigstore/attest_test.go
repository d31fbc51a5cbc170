package sigstore_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/test/kit/memstore"
)

const predicateType = "https://example.com/predicate"

// attest signs a statement and publishes it.
func (f *fixture) attest(t *testing.T, signer *sigstore.Signer, request signing.Request, predicateType, predicate string) (content []byte, key signing.PublicKey, referrer string) {
	t.Helper()
	content, key, err := signer.Attest(t.Context(), request.Image, predicateType, []byte(predicate))
	if err != nil {
		t.Fatal(err)
	}
	if referrer, err = signer.Attach(t.Context(), request, predicateType, content); err != nil {
		t.Fatal(err)
	}
	return content, key, referrer
}

func TestAttest(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		signer := sigstore.New(memstore.New())
		request := f.push(t, "v1")
		signed := sign(t, signer, request)
		content, public, referrer := f.attest(t, signer, request, predicateType, `{"a":1}`)
		if public.Key != signed.Key || public.ID != signed.ID || public.Method != api.KeyOfAttestations {
			t.Errorf("the key %+v, signed with %+v", public, signed)
		}
		key, err := bundle.ParseKey([]byte(public.Key))
		if err != nil {
			t.Fatal(err)
		}
		statement, err := bundle.Open(key, content)
		if err != nil || !statement.About(strings.TrimPrefix(request.Image.Digest, "sha256:")) || statement.PredicateType != predicateType || string(statement.Predicate) != `{"a":1}` {
			t.Errorf("%+v, %v", statement, err)
		}
		found := f.referrers(t, request)
		if len(found) != 2 || found[0].Digest.String() != referrer && found[1].Digest.String() != referrer {
			t.Errorf("referrers %+v, want one to be %s", found, referrer)
		}
		image, err := remote.Image(f.repository.Digest(referrer), f.Options(t)...)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if manifest.Annotations["dev.sigstore.bundle.predicateType"] != predicateType {
			t.Errorf("annotations %v", manifest.Annotations)
		}

		t.Run("again changes nothing", func(t *testing.T) {
			again, _, same := f.attest(t, signer, request, predicateType, `{"a":1}`)
			if !bytes.Equal(again, content) || same != referrer || len(f.referrers(t, request)) != 2 {
				t.Errorf("%s, %d referrers", same, len(f.referrers(t, request)))
			}
		})
		t.Run("another statement is added", func(t *testing.T) {
			if _, _, other := f.attest(t, signer, request, predicateType, `{"a":2}`); other == referrer || len(f.referrers(t, request)) != 3 {
				t.Errorf("%s, %d referrers", other, len(f.referrers(t, request)))
			}
		})
	})
}

func TestAttestRefuses(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		signer := sigstore.New(memstore.New())
		request := f.push(t, "v1")
		stopped := errors.New("stopped by clean")
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(stopped)
		unnamed := request
		unnamed.Image.Digest = ""
		gone := request
		gone.Image.Digest = "sha256:" + strings.Repeat("0a", 32)
		if _, err := signer.Attach(ended, request, predicateType, []byte("{}")); !errors.Is(err, stopped) {
			t.Errorf("an ended context: %v", err)
		}
		if _, err := signer.Attach(t.Context(), unnamed, predicateType, []byte("{}")); err == nil {
			t.Error("attached to an image without a digest")
		}
		if _, err := signer.Attach(t.Context(), gone, predicateType, []byte("{}")); err == nil {
			t.Error("attached to an image that is not there")
		}
		if _, _, err := signer.Attest(t.Context(), unnamed.Image, predicateType, []byte("{}")); err == nil {
			t.Error("an image without a digest was attested")
		}
		if _, _, err := signer.Attest(t.Context(), request.Image, predicateType, []byte("{")); err == nil {
			t.Error("what is no JSON was attested")
		}
		if n := len(f.referrers(t, request)); n != 0 {
			t.Errorf("%d referrers", n)
		}
	})
}
