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

// Docker verifies the signature with only the address of the notary server and the
// CA of its certificate.
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

	// A tag that someone pushed in addition to the signed ones.
	unsigned := repository + ":unsigned"
	credentials := "--dest-creds=" + env.Registry.Writer().User + ":" + env.Registry.Writer().Password
	kit.MustExecute(t, "", nil, "", "skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", credentials,
		"--src-creds="+env.Registry.Reader().User+":"+env.Registry.Reader().Password, "docker://"+env.BaseImage, "docker://"+unsigned)
	kit.MustExecute(t, "", environment, "", "docker", "pull", "--quiet", unsigned)
	if s := kit.Execute(t, "", trusting, "", "docker", "pull", unsigned); s.Code == 0 || !strings.Contains(s.Err, "unsigned") {
		t.Errorf("docker pulled an unsigned image, or did not report why not: %+v", s)
	}
	env.checkTrust(t, environment, repository, built)
}

// checkTrust compares the output of docker trust inspect with the server's data.
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
		t.Errorf("docker trust inspect shows the root keys %v, the server %s", roots, config.PublicKeyID)
	}
}

// removeImages removes the images of a repository from the engine.
func (env *environment) removeImages(t *testing.T, repository string) {
	t.Helper()
	for _, name := range env.Images(t, repository) {
		// The engine removes a digest with the last tag.
		_, err := env.Docker.ImageRemove(context.WithoutCancel(t.Context()), name, image.RemoveOptions{})
		if err != nil && !errdefs.IsNotFound(err) {
			t.Errorf("remove %s: %v", name, err)
		}
	}
}
