package sigstore_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/sigstore"
)

func accepted(t *testing.T, v sigstore.Verifier, request signature.Request, want v1.Hash, method string) {
	t.Helper()
	verified, err := v.Verify(t.Context(), request)
	expected := signature.Verified{Reference: request.Reference, Digest: want.String(), Method: method, KeyID: v.Key.ID()}
	if err != nil || verified != expected {
		t.Errorf("%+v, %v", verified, err)
	}
}

// refused requires that the reason is of the type of want.
func refused(t *testing.T, v sigstore.Verifier, request signature.Request, want error) {
	t.Helper()
	_, err := v.Verify(t.Context(), request)
	var refusal *signature.Error
	if !errors.As(err, &refusal) || refusal.Image != request.Reference || refusal.Method != api.SigningSigstore {
		t.Fatalf("%s: %v, want a refusal that names it", request.Reference, err)
	}
	for reason := refusal.Err; reason != nil; reason = errors.Unwrap(reason) {
		if reflect.TypeOf(reason) == reflect.TypeOf(want) {
			return
		}
	}
	t.Errorf("%s: %v, want a %T", request.Reference, err, want)
}

func TestBundles(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		v, otherSigner := verifier(t, f.vendor), newVendor(t)
		attach := func(by *ecdsa.PrivateKey, beside v1.Descriptor, about v1.Hash, predicateType string) {
			f.attach(t, "ns/app", beside, bundle.MediaType, statement(t, by, about, predicateType))
		}
		signed := f.Push(t, "ns/app:v1", "ns/app:latest")
		attach(otherSigner, signed, signed.Digest, bundle.SignPredicate)
		attach(f.vendor, signed, signed.Digest, "https://slsa.dev/provenance/v1")
		f.attach(t, "ns/app", signed, "application/spdx+json", []byte("{}"))
		refused(t, v, f.request(t, "ns/app:v1"), &signature.OtherKeyError{})
		attach(f.vendor, signed, signed.Digest, bundle.SignPredicate)
		for _, asked := range []string{"ns/app:v1", "ns/app:latest", "ns/app@" + signed.Digest.String(), "ns/app:v1@" + signed.Digest.String()} {
			accepted(t, v, f.request(t, asked), signed.Digest, api.SigningSigstore)
		}

		f.Push(t, "ns/app:unsigned")
		attested := f.Push(t, "ns/app:attested")
		attach(f.vendor, attested, attested.Digest, "https://slsa.dev/provenance/v1")
		foreign := f.Push(t, "ns/app:foreign")
		attach(otherSigner, foreign, foreign.Digest, bundle.SignPredicate)
		copied := f.Push(t, "ns/app:copied")
		attach(f.vendor, copied, signed.Digest, bundle.SignPredicate)
		garbled := f.Push(t, "ns/app:garbled")
		f.attach(t, "ns/app", garbled, bundle.MediaType, []byte("{"))
		for asked, want := range map[string]error{
			"ns/app:unsigned":                          &signature.UnsignedError{},
			"ns/app:attested":                          &signature.UnsignedError{},
			"ns/app:foreign":                           &signature.OtherKeyError{},
			"ns/app:copied":                            &signature.OtherDigestError{},
			"ns/app:garbled":                           &signature.OtherKeyError{},
			"ns/app:absent":                            &signature.AbsentError{},
			"ns/app:v1@" + foreign.Digest.String():     &signature.OtherDigestError{},
			"ns/app@sha256:" + fmt.Sprintf("%064d", 0): &signature.AbsentError{},
		} {
			refused(t, v, f.request(t, asked), want)
		}
		refused(t, verifier(t, otherSigner), f.request(t, "ns/app:copied"), &signature.OtherKeyError{})

		t.Run("a tag that was moved", func(t *testing.T) {
			f.Push(t, "ns/app:v1")
			refused(t, v, f.request(t, "ns/app:v1"), &signature.UnsignedError{})
			accepted(t, v, f.request(t, "ns/app:latest"), signed.Digest, api.SigningSigstore)
		})
	})
}

// Of an image for several platforms, the index is what is signed and resolved.
func TestIndex(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		index, err := random.Index(64, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(f.Repository(t, "ns/app").Tag("v1"), index, f.Options(t)...); err != nil {
			t.Fatal(err)
		}
		digest, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		size, err := index.Size()
		if err != nil {
			t.Fatal(err)
		}
		mediaType, err := index.MediaType()
		if err != nil {
			t.Fatal(err)
		}
		v := verifier(t, f.vendor)
		refused(t, v, f.request(t, "ns/app:v1"), &signature.UnsignedError{})
		f.attach(t, "ns/app", v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, bundle.MediaType, statement(t, f.vendor, digest, bundle.SignPredicate))
		accepted(t, v, f.request(t, "ns/app:v1"), digest, api.SigningSigstore)
	})
}

func TestLegacy(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		v, otherSigner := verifier(t, f.vendor), newVendor(t)
		sign := func(by *ecdsa.PrivateKey, beside v1.Hash, named string, digest v1.Hash) {
			text, err := sigstore.LegacyClaim{Reference: f.Address + "/" + named, Digest: digest.String()}.Encode("vendor")
			if err != nil {
				t.Fatal(err)
			}
			f.legacy(t, by, "ns/app", beside, text)
		}
		pushed := func(tag string) v1.Hash { return f.Push(t, "ns/app:"+tag).Digest }
		whole, tagged, foreign, copied, elsewhere, garbled := pushed("whole"), pushed("tagged"), pushed("foreign"), pushed("copied"), pushed("elsewhere"), pushed("garbled")
		sign(otherSigner, whole, "ns/app", whole)
		sign(f.vendor, whole, "ns/app", whole) // as cosign names it
		sign(f.vendor, tagged, "ns/app:other", tagged)
		refused(t, v, f.request(t, "ns/app:tagged"), &signature.OtherNameError{})
		sign(f.vendor, tagged, "ns/app:tagged", tagged) // as we name it
		sign(otherSigner, foreign, "ns/app", foreign)
		sign(f.vendor, copied, "ns/app", whole)
		sign(f.vendor, elsewhere, "ns/application", elsewhere)
		f.legacy(t, f.vendor, "ns/app", garbled, []byte(`{"critical":{"type":"atomic container signature"}}`))

		accepted(t, v, f.request(t, "ns/app:whole"), whole, api.SigningSigstoreLegacy)
		accepted(t, v, f.request(t, "ns/app@"+whole.String()), whole, api.SigningSigstoreLegacy)
		accepted(t, v, f.request(t, "ns/app:tagged"), tagged, api.SigningSigstoreLegacy)
		accepted(t, v, f.request(t, "ns/app@"+tagged.String()), tagged, api.SigningSigstoreLegacy)
		refused(t, v, f.request(t, "ns/app:foreign"), &signature.OtherKeyError{})
		refused(t, v, f.request(t, "ns/app:copied"), &signature.OtherDigestError{})
		refused(t, v, f.request(t, "ns/app:elsewhere"), &signature.OtherNameError{})
		refused(t, v, f.request(t, "ns/app:garbled"), &signature.MalformedError{})
	})
}

// Every bundle attached to an image is yielded, and nothing else.
func TestEveryBundle(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		image := f.Push(t, "ns/app:v1")
		sign := statement(t, f.vendor, image.Digest, bundle.SignPredicate)
		provenance := statement(t, f.vendor, image.Digest, "https://slsa.dev/provenance/v1")
		f.attach(t, "ns/app", image, bundle.MediaType, sign)
		f.attach(t, "ns/app", image, "application/spdx+json", []byte("{}"))
		f.attach(t, "ns/app", image, bundle.MediaType, provenance)
		gone := f.attach(t, "ns/app", image, bundle.MediaType, statement(t, f.vendor, image.Digest, "https://example.com/gone"))
		if !f.HasReferrers() { // a registry with the API stops listing what is deleted
			if err := remote.Delete(gone, f.Options(t)...); err != nil {
				t.Fatal(err)
			}
		}
		request := f.request(t, "ns/app:v1")
		repository, err := registry.Open(t.Context(), request.Reference.Repository, request.Access, registry.Pull)
		if err != nil {
			t.Fatal(err)
		}
		defer repository.Close()
		found := map[string]bool{}
		for text, err := range sigstore.Bundles(t.Context(), repository, image.Digest.String()) {
			if err != nil {
				t.Fatal(err)
			}
			found[string(text)] = true
		}
		extra := 0
		if f.HasReferrers() {
			extra = 1
		}
		if len(found) != 2+extra || !found[string(sign)] || !found[string(provenance)] {
			t.Errorf("%d bundles", len(found))
		}
		for range sigstore.Bundles(t.Context(), repository, image.Digest.String()) {
			break // no more is asked for
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by clean")
		cancel(stopped)
		for _, err := range sigstore.Bundles(ctx, repository, image.Digest.String()) {
			if !errors.Is(err, stopped) {
				t.Errorf("an ended context: %v", err)
			}
		}
	})
}

func TestVerifyErrors(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		image := f.Push(t, "ns/app:v1")
		f.attach(t, "ns/app", image, bundle.MediaType, statement(t, f.vendor, image.Digest, bundle.SignPredicate))
		v, good := verifier(t, f.vendor), f.request(t, "ns/app:v1")
		accepted(t, v, good, image.Digest, api.SigningSigstore)
		if !f.HasReferrers() {
			wrong := good
			wrong.Password = "wrong-word"
			refused(t, v, wrong, &signature.AccessError{})
			if _, err := v.Verify(t.Context(), wrong); strings.Contains(err.Error(), "wrong-word") {
				t.Errorf("the error contains the password: %v", err)
			}
		}
		unreachable := good
		unreachable.Reference.Repository = "127.0.0.1:1/ns/app"
		refused(t, v, unreachable, &signature.UnreachableError{})
		if _, err := (sigstore.Verifier{}).Verify(t.Context(), good); err == nil {
			t.Error("verified without a key")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by clean")
		cancel(stopped)
		if _, err := v.Verify(ctx, good); !errors.Is(err, stopped) {
			t.Errorf("an ended context: %v", err)
		}
	})
}
