//go:build stack

package sigstore_test

// cosign verifies attestations, too.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// attested requires a result for the attestations of one kind that a reference
// has. A predicate type that is not there reads like a signature that is not.
func (v *verifier) attested(t *testing.T, reference, kind string, accept bool) {
	t.Helper()
	arguments := []string{"verify-attestation", "--key", v.keyFile, "--insecure-ignore-tlog=true", "--type", kind}
	if v.account.Username != "" {
		arguments = append(arguments, "--registry-username", v.account.Username, "--registry-password", v.account.Password)
	}
	v.run(t, accept, []string{"no matching attestations", "no attestations found", "failed to verify signature", "could not verify", "no valid bundles", "none of the attestations matched"},
		cosign, append(arguments, reference)...)
}

// cosign verifies the attestations of the signer, and refuses all others.
func TestAttestationInteroperability(t *testing.T) {
	types := map[string]string{"slsaprovenance1": "https://slsa.dev/provenance/v1", "spdxjson": "https://spdx.dev/Document"}
	eachRegistry(t, func(t *testing.T, f *fixture) {
		signer, otherSigner := sigstore.New(memstore.New()), sigstore.New(memstore.New())
		request, bare := f.push(t, "v1", "latest"), f.push(t, "bare")
		forged, copied, foreign := f.push(t, "forged"), f.push(t, "copied"), f.push(t, "foreign")
		var v, other *verifier
		for _, predicateType := range types {
			content, key, _ := f.attest(t, signer, request, predicateType, `{"a":"true"}`)
			v = newVerifier(t, f, key)
			_, theirs, _ := f.attest(t, otherSigner, foreign, predicateType, `{"a":"true"}`)
			other = newVerifier(t, f, theirs)
			if _, err := signer.Attach(t.Context(), copied, predicateType, content); err != nil {
				t.Fatal(err)
			}
			ours, _, err := signer.Attest(t.Context(), forged.Image, predicateType, []byte(`{"a":"true"}`))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := signer.Attach(t.Context(), forged, predicateType, tampered(t, ours)); err != nil {
				t.Fatal(err)
			}
		}
		sign(t, signer, bare)
		repository := request.Image.Repository
		for kind := range types {
			v.attested(t, repository+":v1", kind, true)
			v.attested(t, repository+"@"+request.Image.Digest, kind, true)
			other.attested(t, repository+":foreign", kind, true)
			other.attested(t, repository+":v1", kind, false)
			for _, tag := range []string{"bare", "forged", "copied", "foreign"} {
				v.attested(t, repository+":"+tag, kind, false)
			}
		}
		v.attested(t, repository+":v1", "cyclonedx", false)
		v.cosign(t, repository+":bare", true, true)
		f.checkFallback(t, v, signer, request)
	})
}

// tampered is a bundle whose statement has other content.
func tampered(t *testing.T, content []byte) []byte {
	t.Helper()
	var bundle map[string]any
	if err := json.Unmarshal(content, &bundle); err != nil {
		t.Fatal(err)
	}
	envelope := bundle["dsseEnvelope"].(map[string]any)
	payload, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(payload), `"true"`, `"false"`, 1)
	if changed == string(payload) {
		t.Fatalf("there is nothing to change in %s", payload)
	}
	envelope["payload"] = base64.StdEncoding.EncodeToString([]byte(changed))
	if content, err = json.Marshal(bundle); err != nil {
		t.Fatal(err)
	}
	return content
}

// checkFallback adds a referrer of another signer to the index in the tag sha256-<hex>, if
// there is one, and checks that Attach keeps it.
func (f *fixture) checkFallback(t *testing.T, v *verifier, signer *sigstore.Signer, request signing.Request) {
	t.Helper()
	tag := f.repository.Tag(strings.Replace(request.Image.Digest, ":", "-", 1))
	index, err := remote.Index(tag, f.Options(t)...)
	if err != nil {
		if f.HasReferrers() {
			return // the registry has the referrers API
		}
		t.Fatal(err)
	}
	theirs := mutate.MediaType(mutate.ConfigMediaType(empty.Image, "application/vnd.example.report"), types.OCIManifestSchema1)
	if theirs, err = mutate.AppendLayers(theirs, static.NewLayer([]byte("theirs"), "text/plain")); err != nil {
		t.Fatal(err)
	}
	digest, err := theirs.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(f.repository.Digest(digest.String()), theirs, f.Options(t)...); err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, mutate.AppendManifests(index, mutate.IndexAddendum{Add: theirs}), f.Options(t)...); err != nil {
		t.Fatal(err)
	}
	before := len(f.referrers(t, request))
	f.attest(t, signer, request, "https://spdx.dev/Document", fmt.Sprintf(`{"before":%d}`, before))
	after := f.referrers(t, request)
	found := slices.DeleteFunc(slices.Clone(after), func(d v1.Descriptor) bool { return d.Digest != digest })
	if len(after) != before+1 || len(found) != 1 {
		t.Errorf("%d referrers after %d, theirs %d times", len(after), before, len(found))
	}
	v.attested(t, request.Image.Repository+":v1", "spdxjson", true)
}
