//go:build stack

package sigstore_test

// cosign judges both forms, with nothing but our public key. It is bin/cosign,
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

	"github.com/opensbs/sbs/server/trust"
	"github.com/opensbs/sbs/server/trust/sigstore"
)

const cosign = "../../../bin/cosign"

// verifier is a machine that knows one key.
type verifier struct {
	home    string
	keyFile string
	account authn.AuthConfig
}

func newVerifier(t *testing.T, l *lab, key trust.PublicKey) *verifier {
	t.Helper()
	v := &verifier{home: t.TempDir(), account: l.account}
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

// cosign demands a verdict on a reference in one of the two forms.
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

// run demands success, or a failure for one of the reasons.
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

func TestJudges(t *testing.T) {
	eachRegistry(t, func(t *testing.T, l *lab) {
		signer, stranger := sigstore.New(keys{}), sigstore.New(keys{})
		for name, bundles := range map[string]bool{"bundle": true, "legacy": false} {
			t.Run(name, func(t *testing.T) {
				ours, theirs := signer, stranger
				if !bundles {
					ours, theirs = signer.Legacy(), stranger.Legacy()
				}
				request := l.push(t, "v1", "latest")
				v := newVerifier(t, l, sign(t, ours, request))
				sign(t, ours, l.push(t, "moved"))
				l.push(t, "moved", "unsigned")
				other := newVerifier(t, l, sign(t, theirs, l.push(t, "foreign")))
				copied := l.push(t, "copied")
				l.copySignature(t, request, copied, bundles)

				repository := request.Image.Repository
				v.cosign(t, repository+":v1", bundles, true)
				v.cosign(t, repository+"@"+request.Image.Digest, bundles, true)
				other.cosign(t, repository+":foreign", bundles, true)
				other.cosign(t, repository+":v1", bundles, false)
				for _, tag := range []string{"unsigned", "moved", "foreign", "copied"} {
					v.cosign(t, repository+":"+tag, bundles, false)
				}
			})
		}
	})
}

// copySignature puts the signature of one image where that of another belongs.
func (l *lab) copySignature(t *testing.T, from, to trust.Request, bundles bool) {
	t.Helper()
	options := l.options(t)
	if !bundles {
		image, err := remote.Image(l.repository.Tag(strings.Replace(from.Image.Digest, ":", "-", 1)+".sig"), options...)
		if err == nil {
			err = remote.Write(l.repository.Tag(strings.Replace(to.Image.Digest, ":", "-", 1)+".sig"), image, options...)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	image, err := remote.Image(l.repository.Digest(l.referrers(t, from)[0].Digest.String()), options...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	subject, err := remote.Head(l.repository.Digest(to.Image.Digest), options...)
	if err != nil {
		t.Fatal(err)
	}
	manifest.Subject = subject
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Put(l.repository.Digest(digest.FromBytes(text).String()), forged(text), options...); err != nil {
		t.Fatal(err)
	}
}

// forged is a manifest as its bytes.
type forged []byte

func (f forged) RawManifest() ([]byte, error)      { return f, nil }
func (forged) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
