package trust_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	signsigstore "github.com/opensbs/sbs/server/signing/sigstore"
	signsimple "github.com/opensbs/sbs/server/signing/simple"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/sigstore"
	"github.com/opensbs/sbs/signature/simple"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// store is a sealed store, for every signer.
type store struct{ *memstore.Store }

func newStore() *store { return &store{memstore.New()} }

func (*store) Signatures(string) ([][]byte, error) { return nil, errors.New("not used in this test") }
func (*store) AddSignature(string, []byte) error   { return errors.New("not used in this test") }

// fixture is a registry that stores signatures.
type fixture struct{ *registry.Server }

func newFixture(t *testing.T) fixture {
	t.Helper()
	server := testregistry.Start(t, registry.WithSignatures)
	return fixture{server}
}

// push uploads a new image and returns the request to sign it.
func (f fixture) push(t *testing.T, tag string) signing.Request {
	t.Helper()
	pushed := testregistry.Of(f.Server).Push(t, "ns/app:"+tag)
	return signing.Request{
		Account: api.RegistryAccount{User: f.Writer().User, Password: api.Secret(f.Writer().Password)},
		Image:   signing.Image{Repository: f.Address() + "/ns/app", Tags: []string{tag}, Digest: pushed.Digest.String(), Size: pushed.Size},
	}
}

func (f fixture) request(tag string) signature.Request {
	return signature.Request{
		Reference: signature.Reference{Repository: f.Address() + "/ns/app", Tag: tag},
		Access:    signature.Access{User: f.Reader().User, Password: api.Secret(f.Reader().Password)},
	}
}

type signer interface {
	Sign(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error)
}

type verifier interface {
	Verify(ctx context.Context, request signature.Request) (signature.Verified, error)
}

// The verifier of each method accepts the signatures of its signer, and no others.
func TestSignatures(t *testing.T) {
	for method, test := range map[string]struct {
		signer   func(*store) signer
		verifier func(key string) (verifier, error)
	}{
		api.SigningSimple: {
			func(s *store) signer { return signsimple.New(s, s, "1.2.3") },
			func(text string) (verifier, error) {
				key, err := simple.ParseKey([]byte(text))
				return simple.Verifier{Key: key}, err
			},
		},
		api.SigningSigstore: {
			func(s *store) signer { return signsigstore.New(s) },
			sigstoreVerifier,
		},
		api.SigningSigstoreLegacy: {
			func(s *store) signer { return signsigstore.New(s).Legacy() },
			sigstoreVerifier,
		},
	} {
		t.Run(method, func(t *testing.T) {
			f := newFixture(t)
			ours := test.signer(newStore())
			signed := f.push(t, "v1")
			key, err := ours.Sign(t.Context(), signed, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := test.signer(newStore()).Sign(t.Context(), f.push(t, "foreign"), io.Discard); err != nil {
				t.Fatal(err)
			}
			f.push(t, "unsigned")
			v, err := test.verifier(key.Key)
			if err != nil {
				t.Fatal(err)
			}
			verified, err := v.Verify(t.Context(), f.request("v1"))
			want := signature.Verified{Reference: f.request("v1").Reference, Digest: signed.Image.Digest, Method: method, KeyID: key.ID}
			if err != nil || verified != want {
				t.Errorf("%+v, %v, want %+v", verified, err, want)
			}
			if _, err := v.Verify(t.Context(), f.request("foreign")); !errors.As(err, new(*signature.OtherKeyError)) {
				t.Errorf("an image that another signer signed: %v", err)
			}
			if _, err := v.Verify(t.Context(), f.request("unsigned")); !errors.As(err, new(*signature.UnsignedError)) {
				t.Errorf("an unsigned image: %v", err)
			}
		})
	}
}

func sigstoreVerifier(text string) (verifier, error) {
	key, err := bundle.ParseKey([]byte(text))
	return sigstore.Verifier{Key: key}, err
}
