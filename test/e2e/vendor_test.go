//go:build stack

package e2e

// A vendor of base images, which signs with the tools of other projects: cosign, gpg
// and skopeo, docker. Its images are the stack's busybox and one more file, whose text
// distinguishes them.

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/opensbs/sbs/test/kit"
)

type vendor struct {
	*environment
	home string // home folder of its tools

	// pgp is its armoured OpenPGP key, lookaside the URL of its signatures, and
	// store their folder.
	pgp, fingerprint, lookaside, store string
	// pem is its sigstore key.
	pem string
}

func (env *environment) newVendor(t *testing.T) *vendor {
	t.Helper()
	// The path of gpg's socket must be short.
	home, err := os.MkdirTemp("", "vendor")
	if err != nil {
		t.Fatal(err)
	}
	v := &vendor{environment: env, home: home, store: filepath.Join(home, "lookaside")}
	t.Cleanup(func() {
		kit.Execute(t, "", v.variables(), "", "gpgconf", "--kill", "gpg-agent")
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	if err := os.Mkdir(v.store, 0o700); err != nil {
		t.Fatal(err)
	}
	kit.MustExecute(t, "", v.variables(), "", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "Vendor <vendor@example.com>", "rsa3072", "sign")
	v.pgp = kit.MustExecute(t, "", v.variables(), "", "gpg", "--armor", "--export").Out
	for line := range strings.Lines(kit.MustExecute(t, "", v.variables(), "", "gpg", "--with-colons", "--fingerprint").Out) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			v.fingerprint = fields[9]
		}
	}
	kit.MustExecute(t, home, v.variables(), "", absolute(t, cosign), "generate-key-pair")
	v.pem = read(t, home, "cosign.pub")
	files := httptest.NewServer(http.FileServer(http.Dir(v.store)))
	t.Cleanup(files.Close)
	v.lookaside = files.URL
	return v
}

func (v *vendor) variables() []string {
	return []string{"HOME=" + v.home, "GNUPGHOME=" + v.home, "COSIGN_PASSWORD="}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// image returns the reference of an image of the vendor.
func (v *vendor) image(name string) string { return v.Registry.Address() + "/" + name }

// push pushes an image whose file /vendor contains text, and returns its digest.
func (v *vendor) push(t *testing.T, image, text string, triggers ...string) (digest string) {
	t.Helper()
	content, err := remote.Image(v.reference(t, v.BaseImage), v.account())
	if err != nil {
		t.Fatal(err)
	}
	if content, err = mutate.AppendLayers(content, vendorLayer(t, text)); err != nil {
		t.Fatal(err)
	}
	config, err := content.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.OnBuild = triggers
	if content, err = mutate.ConfigFile(content, config); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(v.reference(t, image), content, v.account()); err != nil {
		t.Fatal(err)
	}
	return v.digest(t, image)
}

// digest returns the digest of an image in the registry.
func (v *vendor) digest(t *testing.T, image string) string {
	t.Helper()
	found, err := remote.Head(v.reference(t, image), v.account())
	if err != nil {
		t.Fatal(err)
	}
	return found.Digest.String()
}

func (v *vendor) reference(t *testing.T, image string) name.Reference {
	t.Helper()
	reference, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

func (v *vendor) account() remote.Option {
	writer := v.Registry.Writer()
	return remote.WithAuth(&authn.Basic{Username: writer.User, Password: writer.Password})
}

func vendorLayer(t *testing.T, text string) v1.Layer {
	t.Helper()
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	if err := archive.WriteHeader(&tar.Header{Name: "vendor", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(archive, text); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// signSigstore signs the image of a reference with cosign.
func (v *vendor) signSigstore(t *testing.T, image string) {
	t.Helper()
	writer := v.Registry.Writer()
	repository, _, _ := strings.Cut(image[strings.LastIndex(image, "/"):], ":")
	byDigest := image[:strings.LastIndex(image, "/")] + repository + "@" + v.digest(t, image)
	kit.MustExecute(t, v.home, v.variables(), "", absolute(t, cosign), "sign", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--yes",
		"--registry-username", writer.User, "--registry-password", writer.Password, byDigest)
}

// signSimple signs the image of a reference with simple signing.
func (v *vendor) signSimple(t *testing.T, image string) {
	t.Helper()
	found, err := remote.Get(v.reference(t, image), v.account())
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(v.home, "manifest")
	if err := os.WriteFile(manifest, found.Manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	file := v.signatureFile(t, image)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	kit.MustExecute(t, "", v.variables(), "", "skopeo", "standalone-sign", "--output", file, manifest, image, v.fingerprint)
}

// signatureFile returns the path of the simple signature of an image.
func (v *vendor) signatureFile(t *testing.T, image string) string {
	t.Helper()
	reference := v.reference(t, image)
	return filepath.Join(v.store, reference.Context().RepositoryStr()+"@"+strings.Replace(v.digest(t, image), ":", "=", 1), "signature-1")
}

// signDCT makes docker push the image again and sign it with content trust. It returns
// the digest of that push and the id of the repository's root key.
func (v *vendor) signDCT(t *testing.T, image string) (digest, root string) {
	t.Helper()
	writer := v.Registry.Writer()
	environment := append(v.DockerEnvironment(t), "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=passphrase", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=passphrase")
	folder := strings.TrimPrefix(environment[0], "DOCKER_CONFIG=")
	config, err := json.Marshal(map[string]any{"auths": map[string]any{v.Registry.Address(): map[string]string{"username": writer.User, "password": writer.Password}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	// All signatures of a vendor use the same keys.
	if err := os.MkdirAll(filepath.Join(v.home, "trust"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(v.home, "trust"), filepath.Join(folder, "trust")); err != nil {
		t.Fatal(err)
	}
	kit.MustExecute(t, "", environment, "", "docker", "pull", "--quiet", image)
	kit.MustExecute(t, "", append(environment, "DOCKER_CONTENT_TRUST=1"), "", "docker", "push", image)
	// The engine does not pull an image again that it has.
	v.removeImages(t, v.reference(t, image).Context().Name())
	var shown []struct {
		AdministrativeKeys []struct {
			Name string
			Keys []struct{ ID string }
		}
	}
	inspected := kit.MustExecute(t, "", environment, "", "docker", "trust", "inspect", v.reference(t, image).Context().Name())
	if err := json.Unmarshal([]byte(inspected.Out), &shown); err != nil || len(shown) != 1 {
		t.Fatalf("docker trust inspect: %v: %s", err, inspected.Out)
	}
	for _, role := range shown[0].AdministrativeKeys {
		if role.Name == "Root" {
			root = role.Keys[0].ID
		}
	}
	return v.digest(t, image), root
}
