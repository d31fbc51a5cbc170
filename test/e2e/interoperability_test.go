//go:build stack

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"github.com/opensbs/sbs/test/kit"
)

// Docker judges the signature: it knows nothing of the server but the notary's
// address and the authority of its certificate.
func TestDockerVerifiesSignedImages(t *testing.T) {
	env := shared
	env.prepare(t, "trusted", hello, nil)
	built := env.MustBuild(t)
	environment := env.DockerEnvironment(t)
	trusting := append(environment, "DOCKER_CONTENT_TRUST=1")
	repository := env.ImageOf("trusted")
	t.Cleanup(func() { env.removeImages(t, repository) })
	for _, tag := range []string{built.ImageTag, "latest"} {
		kit.MustExecute(t, "", trusting, "", "docker", "pull", "--quiet", repository+":"+tag)
	}

	// A tag that someone pushed beside the signed ones.
	unsigned := repository + ":unsigned"
	credentials := "--dest-creds=" + env.Registry.Writer().User + ":" + env.Registry.Writer().Password
	kit.MustExecute(t, "", nil, "", "skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", credentials,
		"--src-creds="+env.Registry.Reader().User+":"+env.Registry.Reader().Password, "docker://"+env.BaseImage, "docker://"+unsigned)
	kit.MustExecute(t, "", environment, "", "docker", "pull", "--quiet", unsigned)
	if s := kit.Execute(t, "", trusting, "", "docker", "pull", unsigned); s.Code == 0 || !strings.Contains(s.Err, "unsigned") {
		t.Errorf("docker pulled what is not signed, or does not say why not: %+v", s)
	}
	env.checkTrust(t, environment, repository, built)
}

// checkTrust compares what docker trust shows with what the server says.
func (env *environment) checkTrust(t *testing.T, environment []string, repository string, built kit.Result) {
	t.Helper()
	var shown []struct {
		SignedTags         []struct{ SignedTag, Digest string }
		AdministrativeKeys []struct {
			Name string
			Keys []struct{ ID string }
		}
	}
	inspected := kit.MustExecute(t, "", environment, "", "docker", "trust", "inspect", repository)
	if err := json.Unmarshal([]byte(inspected.Out), &shown); err != nil || len(shown) != 1 {
		t.Fatalf("docker trust inspect: %v: %s", err, inspected.Out)
	}
	record := env.record(t)
	tags := map[string]string{}
	for _, signed := range shown[0].SignedTags {
		tags[signed.SignedTag] = "sha256:" + signed.Digest
	}
	if want := map[string]string{built.ImageTag: record.ImageDigest, "latest": record.ImageDigest}; !maps.Equal(tags, want) {
		t.Errorf("docker trust inspect shows the tags %v, want %v", tags, want)
	}
	config, err := env.Client.ImageConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var roots []string
	for _, role := range shown[0].AdministrativeKeys {
		for _, key := range role.Keys {
			if role.Name == "Root" {
				roots = append(roots, key.ID)
			}
		}
	}
	if !slices.Equal(roots, []string{config.PublicKeyID}) {
		t.Errorf("docker trust inspect shows the root keys %v, the server says %s", roots, config.PublicKeyID)
	}
}

// removeImages takes what a test pulled out of the engine.
func (env *environment) removeImages(t *testing.T, repository string) {
	t.Helper()
	for _, name := range env.Images(t, repository) {
		// A digest goes with the last tag.
		_, err := env.Docker.ImageRemove(context.WithoutCancel(t.Context()), name, image.RemoveOptions{})
		if err != nil && !errdefs.IsNotFound(err) {
			t.Errorf("remove %s: %v", name, err)
		}
	}
}
