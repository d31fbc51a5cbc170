package simple_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/simple"
	harness "github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// fixture is a registry, a vendor who signs, and where the signatures go.
type fixture struct {
	server    *harness.Server
	vendor    *openpgp.Entity
	lookaside string // a folder; empty: the registry
	verifier  simple.Verifier
}

func newFixture(t *testing.T, extended bool) *fixture {
	t.Helper()
	var extensions []func(http.Handler) http.Handler
	if extended {
		extensions = append(extensions, harness.WithSignatures)
	}
	server := testregistry.Start(t, extensions...)
	f := &fixture{server: server, vendor: newVendor(t)}
	if !extended {
		f.lookaside = t.TempDir()
	}
	f.verifier = simple.Verifier{Key: simple.NewKey(f.vendor), Lookaside: f.lookaside}
	return f
}

func newVendor(t *testing.T) *openpgp.Entity {
	t.Helper()
	vendor, err := openpgp.NewEntity("Vendor", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		t.Fatal(err)
	}
	return vendor
}

func (f *fixture) access(account harness.Account) signature.Access {
	return signature.Access{User: account.User, Password: api.Secret(account.Password)}
}

func (f *fixture) request(path string) signature.Request {
	r, err := signature.ParseReference(f.server.Address() + "/" + path)
	if err != nil {
		panic(err) // a reference of this file
	}
	return signature.Request{Reference: r, Access: f.access(f.server.Reader())}
}

// push uploads a new image under the names and returns its digest.
func (f *fixture) push(t *testing.T, paths ...string) string {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	writer := f.server.Writer()
	for _, path := range paths {
		tag, err := name.NewTag(f.server.Address() + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, image, remote.WithContext(t.Context()), remote.WithAuth(&authn.Basic{Username: writer.User, Password: writer.Password})); err != nil {
			t.Fatal(err)
		}
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// sign puts a signature of the image in the repository.
func (f *fixture) sign(t *testing.T, by *openpgp.Entity, repository, digest string, claim simple.Claim) {
	t.Helper()
	content, err := claim.Encode("vendor", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	message, err := simple.Sign(by, content, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f.put(t, repository, digest, message)
}

func (f *fixture) put(t *testing.T, repository, digest string, message []byte) {
	t.Helper()
	if f.lookaside == "" {
		opened, err := registry.Open(t.Context(), f.server.Address()+"/"+repository, f.access(f.server.Writer()), registry.Push)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		if err := opened.AddSignature(t.Context(), digest, message); err != nil {
			t.Fatal(err)
		}
		return
	}
	folder := filepath.Join(f.lookaside, simple.LookasideName(f.server.Address()+"/"+repository, digest))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "signature-"+strconv.Itoa(len(there)+1)), message, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) claim(path, digest string) simple.Claim {
	return simple.Claim{Reference: f.server.Address() + "/" + path, Digest: digest}
}

// refused requires that the reason is of the type of want.
func refused(t *testing.T, v simple.Verifier, request signature.Request, want error) {
	t.Helper()
	_, err := v.Verify(t.Context(), request)
	var refusal *signature.Error
	if !errors.As(err, &refusal) || refusal.Image != request.Reference || refusal.Method != api.SigningSimple {
		t.Fatalf("%s: %v, want a refusal that names it", request.Reference, err)
	}
	for reason := refusal.Err; reason != nil; reason = errors.Unwrap(reason) {
		if reflect.TypeOf(reason) == reflect.TypeOf(want) {
			return
		}
	}
	t.Errorf("%s: %v, want a %T", request.Reference, err, want)
}

func TestVerify(t *testing.T) {
	for where, extended := range map[string]bool{"in the registry": true, "in a lookaside store": false} {
		t.Run(where, func(t *testing.T) {
			f := newFixture(t, extended)
			otherVendor := newVendor(t)
			signed := f.push(t, "ns/app:v1", "ns/app:latest", "ns/other:v1")
			f.sign(t, otherVendor, "ns/app", signed, f.claim("ns/app:v1", signed)) // first, so that ours has to be found after it
			f.sign(t, f.vendor, "ns/app", signed, f.claim("ns/app:v1", signed))
			f.sign(t, f.vendor, "ns/other", signed, f.claim("ns/app:v1", signed))

			for _, asked := range []string{"ns/app:v1", "ns/app@" + signed, "ns/app:v1@" + signed} {
				verified, err := f.verifier.Verify(t.Context(), f.request(asked))
				if err != nil || verified.Digest != signed || verified.KeyID != f.verifier.Key.ID() || verified.Method != api.SigningSimple ||
					verified.Reference != f.request(asked).Reference {
					t.Errorf("%s: %+v, %v", asked, verified, err)
				}
			}

			unsigned := f.push(t, "ns/app:unsigned")
			foreign := f.push(t, "ns/app:foreign")
			f.sign(t, otherVendor, "ns/app", foreign, f.claim("ns/app:foreign", foreign))
			copied := f.push(t, "ns/app:copied")
			f.sign(t, f.vendor, "ns/app", copied, f.claim("ns/app:copied", signed))
			garbled := f.push(t, "ns/app:garbled")
			message, err := simple.Sign(f.vendor, []byte(`{"critical":{}}`), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			f.put(t, "ns/app", garbled, message)
			for asked, want := range map[string]error{
				"ns/app:latest":        &signature.OtherNameError{}, // signed as v1
				"ns/other:v1":          &signature.OtherNameError{},
				"ns/other@" + signed:   &signature.OtherNameError{},
				"ns/app:unsigned":      &signature.UnsignedError{},
				"ns/app@" + unsigned:   &signature.UnsignedError{},
				"ns/app:foreign":       &signature.OtherKeyError{},
				"ns/app:copied":        &signature.OtherDigestError{},
				"ns/app:v1@" + foreign: &signature.OtherDigestError{},
				"ns/app:garbled":       &signature.MalformedError{},
				"ns/app:absent":        &signature.AbsentError{},
				"ns/app@sha256:" + strings.Repeat("0", 64): &signature.AbsentError{},
				"ns/nowhere:v1":           &signature.AbsentError{},
				"ns/app:latest@" + signed: &signature.OtherNameError{},
			} {
				refused(t, f.verifier, f.request(asked), want)
			}
			t.Run("a tag that was moved", func(t *testing.T) {
				f.push(t, "ns/app:v1")
				refused(t, f.verifier, f.request("ns/app:v1"), &signature.UnsignedError{})
			})
		})
	}
}

// Errors distinguish unavailable servers from images that are not correctly signed.
func TestVerifyErrors(t *testing.T) {
	f := newFixture(t, true)
	digest := f.push(t, "ns/app:v1")
	f.sign(t, f.vendor, "ns/app", digest, f.claim("ns/app:v1", digest))
	good := f.request("ns/app:v1")
	for name, test := range map[string]struct {
		change func(*simple.Verifier, *signature.Request)
		want   error
	}{
		"a wrong password":   {func(_ *simple.Verifier, r *signature.Request) { r.Password = "wrong-word" }, &signature.AccessError{}},
		"nobody listening":   {func(_ *simple.Verifier, r *signature.Request) { r.Reference.Repository = "127.0.0.1:1/ns/app" }, &signature.UnreachableError{}},
		"a lost lookaside":   {func(v *simple.Verifier, _ *signature.Request) { v.Lookaside = "http://127.0.0.1:1" }, &signature.UnreachableError{}},
		"an empty lookaside": {func(v *simple.Verifier, _ *signature.Request) { v.Lookaside = t.TempDir() }, &signature.UnsignedError{}},
		"no lookaside":       {func(v *simple.Verifier, _ *signature.Request) { v.Lookaside = "relative" }, nil},
		"no key":             {func(v *simple.Verifier, _ *signature.Request) { v.Key = simple.Key{} }, nil},
		"no reference":       {func(_ *simple.Verifier, r *signature.Request) { r.Reference.Tag = "" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, request := f.verifier, good
			test.change(&v, &request)
			if test.want != nil {
				refused(t, v, request, test.want)
			}
			if _, err := v.Verify(t.Context(), request); err == nil || strings.Contains(err.Error(), "wrong-word") {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("an ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by clean")
		cancel(stopped)
		if _, err := f.verifier.Verify(ctx, good); !errors.Is(err, stopped) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a registry that keeps none", func(t *testing.T) {
		plain := newFixture(t, false)
		plain.push(t, "ns/app:v1")
		plain.verifier.Lookaside = ""
		refused(t, plain.verifier, plain.request("ns/app:v1"), &signature.UnsignedError{})
	})
}

func TestLookasideOverHTTP(t *testing.T) {
	f := newFixture(t, false)
	digest := f.push(t, "ns/app:v1")
	f.sign(t, f.vendor, "ns/app", digest, f.claim("ns/app:v1", digest))
	files := httptest.NewServer(http.StripPrefix("/sigs", http.FileServer(http.Dir(f.lookaside))))
	t.Cleanup(files.Close)
	for base, accepted := range map[string]bool{
		files.URL + "/sigs":         true,
		files.URL + "/sigs/":        true,
		files.URL:                   false,
		"file://" + f.lookaside:     true,
		"http://192.0.2.1/sigs":     false, // never in clear to another machine
		"ftp://127.0.0.1/sigs":      false,
		"file://host" + f.lookaside: false,
	} {
		f.verifier.Lookaside = base
		if _, err := f.verifier.Verify(t.Context(), f.request("ns/app:v1")); (err == nil) != accepted {
			t.Errorf("%s: %v", base, err)
		}
	}
	for base, accepted := range map[string]bool{
		"/var/lib/lookaside": true, "https://example.com/s": true, "file:///s": true,
		"": false, "relative": false, "https://": false, "https://u:geheim@example.com": false, "https://example.com:x": false,
	} {
		if err := simple.CheckLookaside(base); (err == nil) != accepted || err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", base, err)
		}
	}
}
