//go:build stack

package sigstore_test

// cosign verifies both forms, with nothing but our public key. It is bin/cosign,
// which `make bin/cosign` builds. (Debian's skopeo and podman are built without
// sigstore.)

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/test/kit/memstore"
)

const cosign = "../../../bin/cosign"

// verifier is a machine that knows one key.
type verifier struct {
	home    string
	keyFile string
	account authn.AuthConfig
}

func newVerifier(t *testing.T, f *fixture, key signing.PublicKey) *verifier {
	t.Helper()
	v := &verifier{home: t.TempDir(), account: f.Account}
	v.keyFile = v.write(t, "key.pem", key.Key)
	return v
}

func (v *verifier) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(v.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cosign requires a result for a reference in one of the two forms.
func (v *verifier) cosign(t *testing.T, reference string, bundles, accept bool) {
	t.Helper()
	form := "--new-bundle-format=false"
	if bundles {
		form = "--new-bundle-format=true"
	}
	arguments := []string{"verify", "--key", v.keyFile, "--insecure-ignore-tlog=true", form}
	if v.account.Username != "" {
		arguments = append(arguments, "--registry-username", v.account.Username, "--registry-password", v.account.Password)
	}
	v.run(t, accept, []string{"no signatures found", "no matching signatures", "failed to verify signature", "could not verify", "no valid bundles"},
		cosign, append(arguments, reference)...)
}

// run requires success, or a failure for one of the reasons.
func (v *verifier) run(t *testing.T, accept bool, reasons []string, program string, arguments ...string) {
	t.Helper()
	process := exec.CommandContext(t.Context(), program, arguments...)
	process.Env = append(os.Environ(), "HOME="+v.home, "DOCKER_CONFIG="+v.home)
	output, err := process.CombinedOutput()
	reference := arguments[len(arguments)-1]
	if accept {
		if err != nil {
			t.Errorf("%s refuses %s: %v\n%s", program, reference, err, output)
		}
		return
	}
	for _, reason := range reasons {
		if err != nil && strings.Contains(string(output), reason) {
			return
		}
	}
	t.Errorf("%s on %s: %v, want a refused signature\n%s", program, reference, err, output)
}

// cosign verifies the signatures of the signer, and refuses all others.
func TestInteroperability(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		signer, otherSigner := sigstore.New(memstore.New()), sigstore.New(memstore.New())
		for name, bundles := range map[string]bool{"bundle": true, "legacy": false} {
			t.Run(name, func(t *testing.T) {
				ours, theirs := signer, otherSigner
				if !bundles {
					ours, theirs = signer.Legacy(), otherSigner.Legacy()
				}
				request := f.push(t, "v1", "latest")
				v := newVerifier(t, f, sign(t, ours, request))
				sign(t, ours, f.push(t, "moved"))
				f.push(t, "moved", "unsigned")
				other := newVerifier(t, f, sign(t, theirs, f.push(t, "foreign")))
				copied := f.push(t, "copied")
				f.copySignature(t, request, copied, bundles)
				f.tamper(t, signer, f.push(t, "tampered"), bundles)

				repository := request.Image.Repository
				v.cosign(t, repository+":v1", bundles, true)
				v.cosign(t, repository+"@"+request.Image.Digest, bundles, true)
				other.cosign(t, repository+":foreign", bundles, true)
				other.cosign(t, repository+":v1", bundles, false)
				for _, tag := range []string{"unsigned", "moved", "foreign", "copied", "tampered"} {
					v.cosign(t, repository+":"+tag, bundles, false)
				}
			})
		}
	})
}

// tamper signs an image, with one character of the signature changed.
func (f *fixture) tamper(t *testing.T, signer *sigstore.Signer, request signing.Request, bundles bool) {
	t.Helper()
	if bundles {
		text, _, err := signer.Attest(t.Context(), request.Image, bundle.SignPredicate, nil)
		if err == nil {
			_, err = signer.Attach(t.Context(), request, bundle.SignPredicate, changedAfter(t, text, `"sig":"ME`))
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	sign(t, signer.Legacy(), request)
	tag := f.repository.Tag(strings.Replace(request.Image.Digest, ":", "-", 1) + ".sig")
	image, err := remote.Image(tag, f.Options(t)...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := image.RawManifest()
	if err == nil {
		err = remote.Put(tag, forged(changedAfter(t, text, `"dev.cosignproject.cosign/signature":"ME`)), f.Options(t)...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// changedAfter changes the tenth character after a mark.
func changedAfter(t *testing.T, text []byte, mark string) []byte {
	t.Helper()
	before, after, found := strings.Cut(string(text), mark)
	if !found {
		t.Fatalf("no %s in %s", mark, text)
	}
	other := map[bool]string{true: "B", false: "A"}[after[10] == 'A']
	return []byte(before + mark + after[:10] + other + after[11:])
}

// copySignature puts the signature of one image where that of another belongs.
func (f *fixture) copySignature(t *testing.T, from, to signing.Request, bundles bool) {
	t.Helper()
	options := f.Options(t)
	if !bundles {
		image, err := remote.Image(f.repository.Tag(strings.Replace(from.Image.Digest, ":", "-", 1)+".sig"), options...)
		if err == nil {
			err = remote.Write(f.repository.Tag(strings.Replace(to.Image.Digest, ":", "-", 1)+".sig"), image, options...)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	image, err := remote.Image(f.repository.Digest(f.referrers(t, from)[0].Digest.String()), options...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	subject, err := remote.Head(f.repository.Digest(to.Image.Digest), options...)
	if err != nil {
		t.Fatal(err)
	}
	manifest.Subject = subject
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Put(f.repository.Digest(digest.FromBytes(text).String()), forged(text), options...); err != nil {
		t.Fatal(err)
	}
}

// forged is a manifest as its bytes.
type forged []byte

func (f forged) RawManifest() ([]byte, error)      { return f, nil }
func (forged) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
