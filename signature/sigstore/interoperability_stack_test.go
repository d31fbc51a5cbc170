//go:build stack

package sigstore_test

// What cosign signs, in both forms and with keys of its own. It is bin/cosign,
// which `make bin/cosign` builds.

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/sigstore"
)

// cosigner is a machine with cosign and a key pair.
type cosigner struct {
	fixture *fixture
	home    string
	program string
}

func newCosigner(t *testing.T, f *fixture) *cosigner {
	t.Helper()
	program, err := filepath.Abs("../../bin/cosign")
	if err != nil {
		t.Fatal(err)
	}
	c := &cosigner{f, t.TempDir(), program}
	c.run(t, "generate-key-pair")
	return c
}

func (c *cosigner) run(t *testing.T, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), c.program, arguments...)
	command.Dir = c.home
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "DOCKER_CONFIG=" + c.home, "COSIGN_PASSWORD="}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("cosign %v: %v\n%s", arguments, err, output)
	}
}

// sign makes a signature, or with more arguments an attestation.
func (c *cosigner) sign(t *testing.T, command, path string, bundles bool, more ...string) {
	t.Helper()
	form := "--new-bundle-format=false"
	if bundles {
		form = "--new-bundle-format=true"
	}
	arguments := append([]string{command, "--key", "cosign.key", "--yes", "--tlog-upload=false", "--use-signing-config=false", form}, more...)
	if c.fixture.Account.Username != "" {
		arguments = append(arguments, "--registry-username", c.fixture.Account.Username, "--registry-password", c.fixture.Account.Password)
	}
	c.run(t, append(arguments, c.fixture.Address+"/"+path)...)
}

func (c *cosigner) verifier(t *testing.T) sigstore.Verifier {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.home, "cosign.pub"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := bundle.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return sigstore.Verifier{Key: key}
}

func TestCosignSigns(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		ours, otherSigner := newCosigner(t, f), newCosigner(t, f)
		v := ours.verifier(t)
		for method, bundles := range map[string]bool{api.SigningSigstore: true, api.SigningSigstoreLegacy: false} {
			t.Run(method, func(t *testing.T) {
				path := "ns/" + method
				signed := f.Push(t, path+":v1")
				digest := path + "@" + signed.Digest.String()
				otherSigner.sign(t, "sign", digest, bundles)
				refused(t, v, f.request(t, path+":v1"), &signature.OtherKeyError{})
				ours.sign(t, "sign", digest, bundles)
				accepted(t, v, f.request(t, path+":v1"), signed.Digest, method)
				accepted(t, v, f.request(t, digest), signed.Digest, method)
				accepted(t, otherSigner.verifier(t), f.request(t, digest), signed.Digest, method)

				f.Push(t, path+":v1")
				refused(t, v, f.request(t, path+":v1"), &signature.UnsignedError{})
			})
		}
	})
}

// Keys of other kinds than cosign makes itself.
func TestCosignImportsKeys(t *testing.T) {
	for name, arguments := range map[string][]string{
		"RSA":     {"genrsa", "-traditional", "-out", "imported.pem", "3072"},
		"Ed25519": {"genpkey", "-algorithm", "ed25519", "-out", "imported.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			eachRegistry(t, func(t *testing.T, f *fixture) {
				c := newCosigner(t, f)
				for _, name := range []string{"cosign.key", "cosign.pub"} {
					if err := os.Remove(filepath.Join(c.home, name)); err != nil {
						t.Fatal(err)
					}
				}
				openssl := exec.CommandContext(t.Context(), "openssl", arguments...)
				openssl.Dir = c.home
				if output, err := openssl.CombinedOutput(); err != nil {
					t.Fatalf("openssl: %v\n%s", err, output)
				}
				c.run(t, "import-key-pair", "--key", "imported.pem", "--output-key-prefix", "cosign")
				for method, bundles := range map[string]bool{api.SigningSigstore: true, api.SigningSigstoreLegacy: false} {
					path := "ns/" + method
					signed := f.Push(t, path+":v1")
					c.sign(t, "sign", path+"@"+signed.Digest.String(), bundles)
					accepted(t, c.verifier(t), f.request(t, path+":v1"), signed.Digest, method)
				}
			})
		})
	}
}

func TestCosignAttests(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		c := newCosigner(t, f)
		image := f.Push(t, "ns/app:v1")
		if err := os.WriteFile(filepath.Join(c.home, "predicate.json"), []byte(`{"said":"so"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		c.sign(t, "attest", "ns/app@"+image.Digest.String(), true, "--predicate", "predicate.json", "--type", "https://example.com/said")
		refused(t, c.verifier(t), f.request(t, "ns/app:v1"), &signature.UnsignedError{}) // it has other content

		request := f.request(t, "ns/app:v1")
		repository, err := registry.Open(t.Context(), request.Reference.Repository, request.Access, registry.Pull)
		if err != nil {
			t.Fatal(err)
		}
		defer repository.Close()
		found := 0
		for text, err := range sigstore.Bundles(t.Context(), repository, image.Digest.String()) {
			if err != nil {
				t.Fatal(err)
			}
			statement, err := bundle.Open(c.verifier(t).Key, text)
			if err != nil || !statement.About(image.Digest.Hex) || statement.PredicateType != "https://example.com/said" {
				t.Errorf("%+v, %v", statement, err)
			}
			found++
		}
		if found != 1 {
			t.Errorf("%d bundles", found)
		}
	})
}
