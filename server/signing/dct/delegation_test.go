//go:build stack

package dct

// Tests of the delegation that verifiers read first, if there is one.

import (
	"io"
	"strings"
	"testing"

	"github.com/theupdateframework/notary/client"
	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf/data"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/notary"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// delegate gives the releases delegation to a key.
func delegate(t *testing.T, keys *memstore.Store, request signing.Request, key data.PrivateKey) {
	t.Helper()
	r, root := opened(t, keys, request)
	session, err := r.session(r.Pinned(root.ID))
	if err != nil {
		t.Fatal(err)
	}
	if err := session.AddDelegation(notary.Releases, []data.PublicKey{data.PublicKeyFromPrivate(key)}, []string{""}); err != nil {
		t.Fatal(err)
	}
	if err := session.Publish(); err != nil {
		t.Fatal(err)
	}
}

// opened is the repository of a request, and the root key remembered of it.
func opened(t *testing.T, keys *memstore.Store, request signing.Request) (*repository, notary.RootKey) {
	t.Helper()
	address, err := notary.ParseServer(request.Notary)
	if err != nil {
		t.Fatal(err)
	}
	repository, err := notary.Open(t.Context(), address, request.Image.Repository, request.Access(), "push", "pull")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	r := newRepository(repository, &keyStore{keys: keys}, io.Discard)
	state, err := r.states.load()
	if err != nil {
		t.Fatal(err)
	}
	return r, notary.RootKey{ID: state.RootKeyID}
}

func TestReleasesDelegation(t *testing.T) {
	f := newNotaryProxy(t, startNotary(t))
	keys, request := memstore.New(), f.request(image)
	sign(t, keys, request)
	releaser := newKey(t)
	delegate(t, keys, request, releaser)

	signedIn := func() data.RoleName {
		t.Helper()
		r, root := opened(t, keys, request)
		loaded, err := r.load(root)
		if err != nil {
			t.Fatal(err)
		}
		target, err := client.NewReadOnly(loaded).GetTargetByName("latest", notary.Releases, data.CanonicalTargetsRole)
		if err != nil {
			t.Fatal(err)
		}
		return target.Role
	}
	sign(t, keys, request)
	if role := signedIn(); role != data.CanonicalTargetsRole {
		t.Errorf("signed in %s without its key", role)
	}

	withReleaser := keys.Copy()
	info := trustmanager.KeyInfo{Role: notary.Releases, Gun: data.GUN(image.Repository)}
	if err := (&keyStore{keys: withReleaser}).AddKey(info, releaser); err != nil {
		t.Fatal(err)
	}
	sign(t, withReleaser, request)
	if role := signedIn(); role != notary.Releases {
		t.Errorf("signed in %s although the key of %s is there", role, notary.Releases)
	}

	// Verifiers read the delegation first: a signature beneath it is none.
	next := image
	next.Digest = "sha256:" + strings.Repeat("0b", 32)
	shadowed := new(ShadowedError)
	refused(t, keys, f.request(next), &shadowed)
	if shadowed.Role != notary.Releases.String() {
		t.Errorf("shadowed by %q", shadowed.Role)
	}
}
