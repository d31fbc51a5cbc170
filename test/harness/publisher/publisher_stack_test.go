//go:build stack

package publisher

import (
	"context"
	"errors"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/signature/sigstore"
	"github.com/opensbs/sbs/signature/simple"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/harness/registry"
)

type verifier interface {
	Verify(ctx context.Context, request signature.Request) (signature.Verified, error)
}

func verifierOf(base Base, notary *notaryserver.Server) (verifier, error) {
	switch base.Method {
	case api.SigningDCT:
		root, err := dct.ParseRoot(base.Key)
		return dct.Verifier{Server: notary.URL(), Root: root}, err
	case api.SigningSimple:
		key, err := simple.ParseKey([]byte(base.Key))
		return simple.Verifier{Key: key}, err
	}
	key, err := bundle.ParseKey([]byte(base.Key))
	return sigstore.Verifier{Key: key}, err
}

// Each image is signed with its method and with no other.
func TestImagesVerifyWithTheirMethodOnly(t *testing.T) {
	closed := func(stop func(context.Context) error) {
		t.Cleanup(func() {
			if err := stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	notary, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	closed(notary.Close)
	image, err := registry.Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := Start(t.Context(), t.TempDir(), image, notary)
	if err != nil {
		t.Fatal(err)
	}
	closed(v.Close)
	if len(v.Bases) != 3 {
		t.Fatalf("%d images", len(v.Bases))
	}
	for _, base := range v.Bases {
		verifier, err := verifierOf(base, notary)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range v.Bases {
			reference, err := signature.ParseReference(other.Image)
			if err != nil {
				t.Fatal(err)
			}
			request := signature.Request{Reference: reference, Access: signature.Access{
				User: v.Registry.Reader().User, Password: api.Secret(v.Registry.Reader().Password), CABundle: notary.CABundle()}}
			verified, err := verifier.Verify(t.Context(), request)
			if base == other && (err != nil || verified.Digest != base.Digest || verified.KeyID != base.KeyID) {
				t.Errorf("%s: %+v, %v", base.Image, verified, err)
			}
			if base != other && !errors.As(err, new(*signature.UnsignedError)) {
				t.Errorf("%s by %s: %v", other.Image, base.Method, err)
			}
		}
	}
}
