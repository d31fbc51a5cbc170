//go:build stack

package trust_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/opensbs/sbs/api"
	signdct "github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/test/harness/notaryserver"
)

// The verifier of Docker Content Trust accepts the trust data of the signer.
func TestTrustData(t *testing.T) {
	notary, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := notary.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f := newFixture(t)
	signed := f.push(t, "v1")
	signed.Notary, signed.CABundle = notary.URL(), notary.CABundle()
	signed.Account = api.RegistryAccount{}
	key, err := signdct.New(newStore()).Sign(t.Context(), signed, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"by id": key.ID, "by certificate": key.Key} {
		root, err := dct.ParseRoot(text)
		if err != nil {
			t.Fatal(err)
		}
		request := f.request("v1")
		request.Access = signature.Access{CABundle: notary.CABundle()}
		verified, err := dct.Verifier{Server: notary.URL(), Root: root}.Verify(t.Context(), request)
		want := signature.Verified{Reference: request.Reference, Digest: signed.Image.Digest, Method: api.SigningDCT, KeyID: key.ID}
		if err != nil || verified != want {
			t.Errorf("%s: %+v, %v, want %+v", name, verified, err, want)
		}
		request.Reference.Tag = "unsigned"
		if _, err := (dct.Verifier{Server: notary.URL(), Root: root}).Verify(t.Context(), request); !errors.As(err, new(*signature.UnsignedError)) {
			t.Errorf("%s: an unsigned image: %v", name, err)
		}
	}
}
