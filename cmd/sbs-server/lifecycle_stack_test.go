//go:build stack

package main

import (
	"context"
	"regexp"
	"slices"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// TestEverySealedNameOfContentTrustIsDeclared signs the image of a build with Docker
// Content Trust too, and verifies it as a base image: the names of the keys, and of the
// records of trust data, must be declared.
func TestEverySealedNameOfContentTrustIsDeclared(t *testing.T) {
	setProxies(t, nil)
	inside, err := enclave.Simulate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := readProxies()
	if err != nil {
		t.Fatal(err)
	}
	server := testregistry.Start(t)
	notary, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := notary.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	given := settings{registries: registries{insecure: []string{server.Address()}}, proxies: proxies, caBundle: notary.CABundle()}
	l := startLifecycle(t, inside, given)
	parameters := lifecycleParameters(t, server)
	parameters.ImageSigning, parameters.TrustPushServer = append(parameters.ImageSigning, api.SigningDCT), notary.URL()
	if err := l.store.Init(parameters); err != nil {
		t.Fatal(err)
	}
	l.build()
	l.verifyAsBase(notary, given, l.slot.State().Record.Repository+":latest")

	digits := regexp.MustCompile("[0-9a-f]{64}")
	names := l.names()
	for i, name := range names {
		names[i] = digits.ReplaceAllString(name, "ID")
	}
	want := []string{"dct/ID", "dct/base/ID", "dct/gun/ID", "manifest/key", "parameters", "sigstore/key", "simple/key"}
	slices.Sort(names)
	if got := slices.Compact(names); !slices.Equal(got, want) {
		t.Errorf("sealed are %q, want %q", got, want)
	}
}

// verifyAsBase verifies an image that the server signed, as the base image of a build.
func (l *lifecycle) verifyAsBase(notary *notaryserver.Server, given settings, image string) {
	l.t.Helper()
	signatures := l.slot.State().Record.Signatures
	root := slices.IndexFunc(signatures, func(s record.Signature) bool { return s.Method == api.SigningDCT })
	if root < 0 {
		l.t.Fatalf("the image is signed with %+v", signatures)
	}
	verifier, err := baseVerifiers(l.data.Secrets())[api.SigningDCT](api.BaseRule{Method: api.SigningDCT, Server: notary.URL(), Key: api.BaseKey(signatures[root].PublicKey)})
	if err != nil {
		l.t.Fatal(err)
	}
	reference, err := signature.ParseReference(image)
	if err != nil {
		l.t.Fatal(err)
	}
	_, err = verifier.Verify(l.t.Context(), signature.Request{
		Reference: reference, Access: signature.Access{CABundle: given.caBundle, Insecure: given.registries.insecure},
	})
	if err != nil {
		l.t.Fatal(err)
	}
}
