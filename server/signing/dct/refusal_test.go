//go:build stack

package dct

// What happens when the notary server is not the one it was: real servers,
// after a proxy that can swap, replay and refuse.

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/theupdateframework/notary/trustpinning"
	"github.com/theupdateframework/notary/tuf/data"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/kit/memstore"
)

func sign(t *testing.T, keys Keys, request signing.Request) signing.PublicKey {
	t.Helper()
	public, err := New(keys).Sign(t.Context(), request, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// refused signs and expects an error of the type that want points to.
func refused(t *testing.T, keys Keys, request signing.Request, want any) {
	t.Helper()
	_, err := New(keys).Sign(t.Context(), request, io.Discard)
	if !errors.As(err, want) {
		t.Fatalf("error %v, want a %T", err, want)
	}
	if !strings.Contains(err.Error(), request.Image.Repository) {
		t.Errorf("the error does not name the repository: %v", err)
	}
	t.Log(err)
}

func TestRepositoryOfAnotherRoot(t *testing.T) {
	f := newNotaryProxy(t, startNotary(t))
	theirs := sign(t, memstore.New(), f.request(image))
	keys := memstore.New()
	foreign := new(ForeignRootError)
	refused(t, keys, f.request(image), &foreign)
	if foreign.Known != "" || len(foreign.Found) != 1 || foreign.Found[0] != theirs.ID {
		t.Errorf("refused with %+v, theirs is %s", foreign, theirs.ID)
	}
	if len(keys.Entries) != 0 {
		t.Errorf("%d entries were sealed for a repository that is not ours", len(keys.Entries))
	}
}

func TestServerReset(t *testing.T) {
	f := newNotaryProxy(t, startNotary(t))
	keys := memstore.New()
	before := sign(t, keys, f.request(image))

	empty := startNotary(t)
	f.SetHandler(f.Forward(t, empty))
	refused(t, keys, f.request(image), new(*LostError))

	sign(t, memstore.New(), f.request(image)) // somebody takes the name
	foreign := new(ForeignRootError)
	refused(t, keys, f.request(image), &foreign)
	if foreign.Known != before.ID {
		t.Errorf("refused with %+v, ours was %s", foreign, before.ID)
	}
	if err := New(keys).Forget(t.Context(), f.URL, image.Repository); err != nil {
		t.Fatal(err)
	}
	refused(t, keys, f.request(image), new(*ForeignRootError)) // forgotten or not
}

func TestSignAfterForget(t *testing.T) {
	f := newNotaryProxy(t, startNotary(t))
	keys := memstore.New()
	signer := New(keys)
	if err := signer.Forget(t.Context(), f.URL, image.Repository); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("forgot what was never known: %v", err)
	}
	before := sign(t, keys, f.request(image))
	f.SetHandler(f.Forward(t, startNotary(t)))
	if err := signer.Forget(t.Context(), f.URL, image.Repository); err != nil {
		t.Fatal(err)
	}
	after := sign(t, keys, f.request(image))
	if after == before {
		t.Error("the root certificate is the old one, although it was made again")
	}
	if roots := withRole(t, keys, data.CanonicalRootRole); roots != 1 {
		t.Errorf("%d root keys, want the one there was", roots)
	}
	f.SetHandler(f.Forward(t, startNotary(t)))
	refused(t, keys, f.request(image), new(*LostError)) // the leave was for once
}

func TestServerRolledBack(t *testing.T) {
	notary := startNotary(t)
	f := newNotaryProxy(t, notary)
	keys := memstore.New()
	before := sign(t, keys, f.request(image))
	old := f.Replay(nil)
	next := image
	next.Tags, next.Digest = []string{"v2", "latest"}, "sha256:"+strings.Repeat("0b", 32)
	sign(t, keys, f.request(next))

	f.SetHandler(old)
	back := new(signature.RolledBackError)
	refused(t, keys, f.request(next), &back)
	if back.Role != "targets" || back.Got >= back.Seen {
		t.Errorf("refused with %+v", back)
	}
	f.SetHandler(f.Forward(t, notary))
	if again := sign(t, keys, f.request(next)); again != before {
		t.Errorf("after the server came back the public key is %v, was %v", again, before)
	}
}

// A root that was ours when we looked and is another's when it is believed.
func TestRootChangedAfterCheck(t *testing.T) {
	notary, other := startNotary(t), startNotary(t)
	f := newNotaryProxy(t, other)
	theirs := f.request(image)
	sign(t, memstore.New(), theirs)
	foreign := f.Forward(t, other)
	ours := f.Forward(t, notary)
	f.SetHandler(ours)
	keys := memstore.New()
	sign(t, keys, f.request(image))

	looked := false
	f.SetHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			t.Error("something was published")
		case strings.HasSuffix(r.URL.Path, "/root.json") && !looked:
			looked = true
			ours.ServeHTTP(w, r)
			return
		}
		foreign.ServeHTTP(w, r)
	}))
	_, err := New(keys).Sign(t.Context(), f.request(image), io.Discard)
	if failure := new(trustpinning.ErrValidationFail); !errors.As(err, &failure) {
		t.Errorf("error %v, want an ErrValidationFail", err)
	}
}

// forgetful fails to seal the record of a repository, as a crash would.
type forgetful struct{ *memstore.Store }

func (f forgetful) Put(name string, secret []byte) error {
	if strings.HasPrefix(name, statePrefix) {
		return errDisk
	}
	return f.Store.Put(name, secret)
}

func TestCrashBeforeRemembering(t *testing.T) {
	f := newNotaryProxy(t, startNotary(t))
	keys := memstore.New()
	_, err := New(forgetful{keys}).Sign(t.Context(), f.request(image), io.Discard)
	if failure := new(KeyStoreError); !errors.As(err, &failure) || !errors.Is(err, errDisk) {
		t.Fatalf("error %v, want a KeyStoreError", err)
	}
	sign(t, keys, f.request(image)) // taken up by its root key
	f.SetHandler(f.Forward(t, startNotary(t)))
	refused(t, keys, f.request(image), new(*LostError)) // and remembered
}

func TestInterruptedStart(t *testing.T) {
	notary := startNotary(t)
	f := newNotaryProxy(t, notary)
	through := f.Forward(t, notary)
	f.SetHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		through.ServeHTTP(w, r)
	}))
	keys := memstore.New()
	_, err := New(keys).Sign(t.Context(), f.request(image), io.Discard)
	if unreachable := new(signature.UnreachableError); !errors.As(err, &unreachable) {
		t.Fatalf("error %v, want an UnreachableError", err)
	}
	f.SetHandler(through)
	sign(t, keys, f.request(image))
	for _, role := range []data.RoleName{data.CanonicalRootRole, data.CanonicalTargetsRole, data.CanonicalSnapshotRole} {
		if count := withRole(t, keys, role); count != 1 {
			t.Errorf("%d %s keys after a second attempt, want 1", count, role)
		}
	}
}

func TestMissingTargetsKey(t *testing.T) {
	f := newNotaryProxy(t, startNotary(t))
	keys := memstore.New()
	sign(t, keys, f.request(image))
	for id, info := range (&keyStore{keys: keys}).ListKeys() {
		if info.Role == data.CanonicalTargetsRole {
			delete(keys.Entries, keyPrefix+id)
		}
	}
	next := image
	next.Digest = "sha256:" + strings.Repeat("0b", 32)
	refused(t, keys, f.request(next), new(*MissingKeyError))
}

func TestNotaryWithAuthentication(t *testing.T) {
	notary := startNotary(t)
	f := newNotaryProxy(t, notary)
	through := f.Forward(t, notary)
	challenges := map[string]string{
		"basic": `Basic realm="notary"`,
		"token": `Bearer realm="` + f.URL + `/token",service="notary"`,
	}
	for scheme, challenge := range challenges {
		t.Run(scheme, func(t *testing.T) {
			f.SetHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				given, secret, basic := r.BasicAuth()
				known := basic && given == user && secret == password
				switch {
				case r.URL.Path == "/token" && known:
					_, _ = io.WriteString(w, `{"token":"ticket"}`)
				case scheme == "basic" && known, scheme == "token" && r.Header.Get("Authorization") == "Bearer ticket":
					through.ServeHTTP(w, r)
				default:
					w.Header().Set("WWW-Authenticate", challenge)
					w.WriteHeader(http.StatusUnauthorized)
				}
			}))
			request := f.request(image)
			request.Image.Repository = "registry.example.com/ns/" + scheme
			sign(t, memstore.New(), request)
			request.Account.Password = "wrong-secret"
			refused(t, memstore.New(), request, new(*signature.AccessError))
		})
	}
}
