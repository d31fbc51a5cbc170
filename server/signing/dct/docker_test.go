//go:build stack

package dct

// The docker command verifies: what it shows and what it pulls.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/memstore"
	"go.uber.org/goleak"
)

// stack is a registry, a notary server and a docker command that knows both.
type stack struct {
	notary   *notaryserver.Server
	registry *registry.Server
	config   string // docker's folder
}

func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{notary: startNotary(t), config: t.TempDir()}
	var err error
	if s.registry, err = registry.Start(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s.registry.Close)
	s.trustServer(t, s.notary.URL(), s.notary.CABundle())
	reader := s.registry.Reader()
	login, err := json.Marshal(map[string]any{"auths": map[string]any{s.registry.Address(): map[string]string{
		"auth": base64.StdEncoding.EncodeToString([]byte(reader.User + ":" + reader.Password)),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.config, "config.json"), login, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// trustServer makes docker take the certificate of a notary server.
func (s *stack) trustServer(t *testing.T, server string, authority []byte) {
	t.Helper()
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.config, "tls", address.Host)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "ca.crt"), authority, 0o600); err != nil {
		t.Fatal(err)
	}
}

func startNotary(t *testing.T) *notaryserver.Server {
	t.Helper()
	server, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, server.Close)
	return server
}

func closeAtEnd(t *testing.T, stop func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// push uploads a new image under the tags, unsigned.
func (s *stack) push(t *testing.T, tags ...string) signing.Image {
	t.Helper()
	content, err := random.Image(256, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := content.Size()
	if err != nil {
		t.Fatal(err)
	}
	pushed := signing.Image{Repository: s.registry.Address() + "/ns/app", Tags: tags, Digest: digest.String(), Size: size}
	writer := s.registry.Writer()
	for _, tag := range tags {
		reference, err := name.NewTag(pushed.Repository + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		account := remote.WithAuth(&authn.Basic{Username: writer.User, Password: writer.Password})
		if err := remote.Write(reference, content, account, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	return pushed
}

func (s *stack) request(image signing.Image) signing.Request {
	return signing.Request{Notary: s.notary.URL(), CABundle: s.notary.CABundle(), Image: image}
}

// docker runs the command with content trust on.
func (s *stack) docker(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	return s.dockerOn(t, s.notary.URL(), arguments...)
}

// dockerOn is docker with another notary server.
func (s *stack) dockerOn(t *testing.T, server string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "docker", arguments...)
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"DOCKER_HOST=" + os.Getenv("DOCKER_HOST"),
		"DOCKER_CONFIG=" + s.config,
		"DOCKER_CONTENT_TRUST=1",
		"DOCKER_CONTENT_TRUST_SERVER=" + server,
	}
	output, err := command.CombinedOutput()
	return string(output), err
}

// pulled returns the digest docker gets for a tag, and removes it again.
func (s *stack) pulled(t *testing.T, repository, tag string) string {
	t.Helper()
	output, err := s.docker(t, "pull", repository+":"+tag)
	if err != nil {
		t.Fatalf("docker pull %s: %v\n%s", tag, err, output)
	}
	digest, err := s.docker(t, "image", "inspect", "--format", "{{index .RepoDigests 0}}", repository+":"+tag)
	if err != nil {
		t.Fatalf("docker image inspect: %v\n%s", err, digest)
	}
	id, err := s.docker(t, "image", "inspect", "--format", "{{.Id}}", repository+":"+tag)
	if err != nil {
		t.Fatalf("docker image inspect: %v\n%s", err, id)
	}
	if output, err := s.docker(t, "image", "rm", "--force", strings.TrimSpace(id)); err != nil {
		t.Errorf("docker image rm: %v\n%s", err, output)
	}
	_, after, _ := strings.Cut(strings.TrimSpace(digest), "@")
	return after
}

// inspected is what `docker trust inspect` prints for one repository.
type inspected []struct {
	SignedTags []struct {
		SignedTag string
		Digest    string
		Signers   []string
	}
	AdministrativeKeys []struct {
		Name string
		Keys []struct{ ID string }
	}
}

func (s *stack) inspect(t *testing.T, repository string) (tags map[string]string, keys map[string]string) {
	t.Helper()
	output, err := s.docker(t, "trust", "inspect", repository)
	if err != nil {
		t.Fatalf("docker trust inspect: %v\n%s", err, output)
	}
	var shown inspected
	if err := json.Unmarshal([]byte(output), &shown); err != nil || len(shown) != 1 {
		t.Fatalf("docker trust inspect printed %s (error %v)", output, err)
	}
	t.Logf("docker trust inspect: %+v", shown[0])
	tags, keys = map[string]string{}, map[string]string{}
	for _, tag := range shown[0].SignedTags {
		if len(tag.Signers) != 1 || tag.Signers[0] != "Repo Admin" {
			t.Errorf("tag %s is signed by %v, want Repo Admin", tag.SignedTag, tag.Signers)
		}
		tags[tag.SignedTag] = "sha256:" + tag.Digest
	}
	for _, key := range shown[0].AdministrativeKeys {
		keys[key.Name] = key.Keys[0].ID
	}
	return tags, keys
}

func TestDockerAcceptsSignatures(t *testing.T) {
	s := newStack(t)
	keys := memstore.New()
	first := s.push(t, "v1", "latest")
	if output, err := s.docker(t, "pull", first.Repository+":v1"); err == nil {
		t.Fatalf("docker pulls an unsigned image:\n%s", output)
	}

	var progress strings.Builder
	leaks := goleak.IgnoreCurrent()
	began := time.Now()
	public, err := New(keys).Sign(t.Context(), s.request(first), &progress)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("first signature: %v\n%s", time.Since(began), progress.String())
	goleak.VerifyNone(t, leaks)

	tags, administrative := s.inspect(t, first.Repository)
	if len(tags) != 2 || tags["v1"] != first.Digest || tags["latest"] != first.Digest {
		t.Errorf("docker shows %v, want v1 and latest at %s", tags, first.Digest)
	}
	if public.Method != "dct" || administrative["Root"] != public.ID {
		t.Errorf("docker shows the root key %s, Sign answered %s of method %s", administrative["Root"], public.ID, public.Method)
	}
	certificate, err := base64.StdEncoding.DecodeString(public.Key)
	if err != nil || !strings.HasPrefix(string(certificate), "-----BEGIN CERTIFICATE-----") {
		t.Errorf("the public key is no base64 of a PEM certificate: %q", public.Key)
	}
	for _, tag := range first.Tags {
		if got := s.pulled(t, first.Repository, tag); got != first.Digest {
			t.Errorf("docker pulled %s for %s, signed is %s", got, tag, first.Digest)
		}
	}

	// Somebody moves the tag: docker goes on with what was signed.
	s.push(t, "latest")
	if got := s.pulled(t, first.Repository, "latest"); got != first.Digest {
		t.Errorf("docker pulled the unsigned %s", got)
	}

	// The next build, by a server that was restarted from its sealed store.
	second := s.push(t, "v2", "latest")
	began = time.Now()
	again, err := New(keys.Copy()).Sign(t.Context(), s.request(second), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("second signature: %v", time.Since(began))
	if again != public {
		t.Errorf("the public key changed from %v to %v", public, again)
	}
	for tag, want := range map[string]string{"v1": first.Digest, "v2": second.Digest, "latest": second.Digest} {
		if got := s.pulled(t, first.Repository, tag); got != want {
			t.Errorf("docker pulled %s for %s, want %s", got, tag, want)
		}
	}
}
