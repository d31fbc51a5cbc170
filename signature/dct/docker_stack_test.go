//go:build stack

package dct_test

// What `docker trust sign` publishes: first by the repository's owner, then by a
// signer in the releases delegation.

import (
	"encoding/base64"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// docker is a docker command with an account and a notary server.
type docker struct {
	notary   *notaryserver.Server
	registry *registry.Server
	config   string
}

func newDocker(t *testing.T) *docker {
	t.Helper()
	server := testregistry.Start(t)
	d := &docker{startNotary(t), server, t.TempDir()}
	address, err := url.Parse(d.notary.URL())
	if err != nil {
		t.Fatal(err)
	}
	account := base64.StdEncoding.EncodeToString([]byte(server.Writer().User + ":" + server.Writer().Password))
	for path, content := range map[string]string{
		filepath.Join("tls", address.Host, "ca.crt"): string(d.notary.CABundle()),
		"config.json": `{"auths":{"` + server.Address() + `":{"auth":"` + account + `"}}}`,
	} {
		path = filepath.Join(d.config, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *docker) run(t *testing.T, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "docker", arguments...)
	command.Dir = d.config
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.config, "DOCKER_CONFIG=" + d.config,
		"DOCKER_CONTENT_TRUST_SERVER=" + d.notary.URL(),
		"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=vendor-secret", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=vendor-secret"}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("docker %v: %v\n%s", arguments, err, output)
	}
}

// push uploads a new image, has docker sign it, and returns its digest.
func (d *docker) push(t *testing.T, reference string) string {
	t.Helper()
	tag, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	account := remote.WithAuth(&authn.Basic{Username: d.registry.Writer().User, Password: d.registry.Writer().Password})
	if err := remote.Write(tag, image, account, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	d.run(t, "pull", "--quiet", reference)
	t.Cleanup(func() {
		if output, err := exec.Command("docker", "image", "rm", reference).CombinedOutput(); err != nil {
			t.Errorf("docker image rm: %v\n%s", err, output)
		}
	})
	d.run(t, "trust", "sign", reference)
	// What docker pushed is what counts: its manifest need not be ours.
	pushed, err := remote.Head(tag, account, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return pushed.Digest.String()
}

func TestDockerSigns(t *testing.T) {
	d := newDocker(t)
	repository := d.registry.Address() + "/ns/app"
	request := func(asked string) signature.Request {
		r, err := signature.ParseReference(repository + asked)
		if err != nil {
			t.Fatal(err)
		}
		return signature.Request{Reference: r, Access: signature.Access{CABundle: d.notary.CABundle()}}
	}
	v := dct.Verifier{Server: strings.TrimPrefix(d.notary.URL(), "https://"), States: memstore.New()}
	first := d.push(t, repository+":v1")
	keyID := resolved(t, v, request(":v1"), first)

	d.run(t, "trust", "key", "generate", "alice")
	d.run(t, "trust", "signer", "add", "--key", "alice.pub", "alice", repository)
	second := d.push(t, repository+":v2")
	if again := resolved(t, v, request(":v2"), second); again != keyID {
		t.Errorf("the root key changed from %s to %s", keyID, again)
	}
	resolved(t, v, request(":v1"), first)
	resolved(t, v, request("@"+second), second)

	d.run(t, "trust", "revoke", "--yes", repository+":v2")
	refused(t, v, request(":v2"), &signature.UnsignedError{})
	refused(t, v, request("@"+second), &signature.OtherDigestError{})
}
