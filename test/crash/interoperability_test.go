//go:build stack

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/server/job"
)

// checkSuccess checks the latest successful build, which has that record, with
// independent programs: its manifest must verify, and the registry must have its image
// under both tags, each of them signed by every method. The public keys must be those of
// the first success.
func (env *environment) checkSuccess(t testing.TB, record job.Record) {
	t.Helper()
	env.checkManifest(t, record)
	config, err := env.Client.ImageConfig(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	// A public key for each signing method, and one for the attestations.
	if len(config.Signatures) != 4 || len(record.Signatures) != 3 || len(record.Attestations) != 2 {
		t.Errorf("%d public keys, and in the record %d signatures and %d attestations; want 4, 3 and 2",
			len(config.Signatures), len(record.Signatures), len(record.Attestations))
		return
	}
	public := map[string]string{"manifest": env.manifestKey(t, record.BuildName)}
	for _, signature := range config.Signatures {
		public[signature.Method] = signature.ID + " " + signature.Key
	}
	if env.public == nil {
		env.public = public
	}
	if !maps.Equal(public, env.public) {
		t.Errorf("the public keys were %v and are now %v", env.public, public)
	}
	tags := []string{record.ImageTag, "latest"}
	for _, tag := range tags {
		if digest, err := env.registryDigest(t.Context(), record.Repository+":"+tag); err != nil || digest != record.ImageDigest {
			t.Errorf("%s:%s is %s in the registry, want %s (%v)", record.Repository, tag, digest, record.ImageDigest, err)
		}
	}
	verifiers, ctx := errgroup.WithContext(t.Context())
	dir := t.TempDir()
	verifiers.Go(func() error { return env.verifyWithCosign(ctx, dir, config, tags) })
	verifiers.Go(func() error { return env.verifyWithSkopeo(ctx, dir, config, tags) })
	verifiers.Go(func() error { return env.verifyWithDocker(ctx, dir, config, tags, record.ImageDigest) })
	if err := verifiers.Wait(); err != nil {
		t.Error(err)
	}
}

// checkManifest verifies the manifest of a build, as sbs-cli does.
func (env *environment) checkManifest(t testing.TB, record job.Record) {
	t.Helper()
	_, path, err := env.Client.SaveManifest(t.Context(), record.BuildName, t.TempDir())
	if err != nil {
		t.Error(err)
		return
	}
	key, err := signedmanifest.ParsePublicKey([]byte(env.manifestKey(t, record.BuildName)))
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := signedmanifest.Manifest(t.Context(), path, key); err != nil {
		t.Error(err)
	}
}

func (env *environment) manifestKey(t testing.TB, build string) string {
	t.Helper()
	key, err := env.Client.PublicKey(t.Context(), build)
	if err != nil {
		t.Error(err)
	}
	return key.PublicKeyPEM
}

// registryDigest returns the digest of an image in the registry.
func (env *environment) registryDigest(ctx context.Context, reference string) (string, error) {
	parsed, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		return "", err
	}
	reader := env.Registry.Reader()
	found, err := remote.Head(parsed, remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: reader.User, Password: reader.Password}))
	if err != nil {
		return "", err
	}
	return found.Digest.String(), nil
}

func keyOf(config api.ImageConfig, method string) string {
	for _, signature := range config.Signatures {
		if signature.Method == method {
			return signature.Key
		}
	}
	return ""
}

// verifyWithCosign verifies the signatures of the tags with cosign.
func (env *environment) verifyWithCosign(ctx context.Context, dir string, config api.ImageConfig, tags []string) error {
	key := filepath.Join(dir, "sigstore.pem")
	if err := os.WriteFile(key, []byte(keyOf(config, api.SigningSigstore)), 0o600); err != nil {
		return err
	}
	reader := env.Registry.Reader()
	arguments := []string{"verify", "--key", key, "--insecure-ignore-tlog=true",
		"--registry-username", reader.User, "--registry-password", reader.Password}
	for _, tag := range tags {
		arguments = append(arguments, config.RepositoryName+":"+tag)
	}
	_, err := run(ctx, []string{"HOME=" + dir}, env.cosign, arguments...)
	return err
}

// verifyWithSkopeo copies the tags with skopeo, whose policy requires the server's
// OpenPGP key.
func (env *environment) verifyWithSkopeo(ctx context.Context, dir string, config api.ImageConfig, tags []string) error {
	key, policyFile, registries, store := filepath.Join(dir, "key.asc"), filepath.Join(dir, "policy.json"), filepath.Join(dir, "registries.d"), filepath.Join(dir, "store")
	policy, err := json.Marshal(map[string]any{"default": []any{map[string]any{"type": "signedBy", "keyType": "GPGKeys", "keyPath": key}}})
	if err != nil {
		return err
	}
	if err := os.Mkdir(registries, 0o700); err != nil {
		return err
	}
	for path, text := range map[string]string{
		key: keyOf(config, api.SigningSimple), policyFile: string(policy),
		filepath.Join(registries, "sbs.yaml"): "docker:\n  " + env.Registry.Address() + ":\n    lookaside: file://" + store + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if _, err := env.Client.SaveSignatures(ctx, store); err != nil {
		return err
	}
	reader := env.Registry.Reader()
	for _, tag := range tags {
		if _, err := run(ctx, nil, "skopeo", "--policy", policyFile, "--registries.d", registries, "copy", "--src-tls-verify=false",
			"--src-creds="+reader.User+":"+reader.Password, "docker://"+config.RepositoryName+":"+tag, "dir:"+filepath.Join(dir, "copy")); err != nil {
			return err
		}
	}
	return nil
}

// verifyWithDocker compares the output of docker trust inspect with the tags, the digest
// and the root key.
func (env *environment) verifyWithDocker(ctx context.Context, dir string, config api.ImageConfig, tags []string, digest string) error {
	address := strings.TrimPrefix(env.Notary.URL(), "https://")
	notary := filepath.Join(dir, "tls", address)
	if err := os.MkdirAll(notary, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(notary, "ca.crt"), env.Notary.CABundle(), 0o600); err != nil {
		return err
	}
	text, err := run(ctx, []string{"DOCKER_CONFIG=" + dir, "DOCKER_CONTENT_TRUST_SERVER=https://" + address}, "docker", "trust", "inspect", config.RepositoryName)
	if err != nil {
		return err
	}
	var shown []struct {
		SignedTags         []struct{ SignedTag, Digest string }
		AdministrativeKeys []struct {
			Name string
			Keys []struct{ ID string }
		}
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		return fmt.Errorf("docker trust inspect: %w: %s", err, text)
	}
	if len(shown) != 1 {
		return fmt.Errorf("docker trust inspect shows %d repositories: %s", len(shown), text)
	}
	signed := map[string]string{}
	for _, tag := range shown[0].SignedTags {
		signed[tag.SignedTag] = "sha256:" + tag.Digest
	}
	if want := map[string]string{tags[0]: digest, tags[1]: digest}; !maps.Equal(signed, want) {
		return fmt.Errorf("docker trust inspect shows the tags %v, want %v", signed, want)
	}
	for _, role := range shown[0].AdministrativeKeys {
		for _, key := range role.Keys {
			if role.Name == "Root" && !strings.HasPrefix(env.public[api.SigningDCT], key.ID+" ") {
				return fmt.Errorf("docker trust inspect shows the root key %s", key.ID)
			}
		}
	}
	return nil
}
