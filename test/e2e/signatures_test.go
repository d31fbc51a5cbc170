//go:build stack

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/kit"
)

// cosign is the path of cosign, which make bin/cosign builds.
const cosign = "../../bin/cosign"

// A build without a notary server: cosign and skopeo verify the image with keys and
// signatures that the client downloaded.
func TestSignedWithoutNotary(t *testing.T) {
	env := shared
	env.prepare(t, "without-notary", hello, map[string]any{"DOCKER_CONTENT_TRUST_PUSH_SERVER": nil})
	built := env.MustBuild(t)
	if methods := methods(env.record(t)); !slices.Equal(methods, []string{api.SigningSimple, api.SigningSigstore}) {
		t.Errorf("signed with %q", methods)
	}
	home := t.TempDir()
	tags := []string{built.ImageTag, "latest"}
	repository := env.ImageOf("without-notary")
	writer := env.Registry.Writer()

	env.MustCLI(t, "get-signed-image-publickey --method sigstore --env sbs-config.json")
	pem := env.keyFile(repository)
	for _, tag := range tags {
		kit.MustExecute(t, "", []string{"HOME=" + home}, "", cosign, "verify", "--key", pem, "--insecure-ignore-tlog=true",
			"--registry-username", writer.User, "--registry-password", writer.Password, repository+":"+tag)
	}

	env.MustCLI(t, "get-signed-image-publickey --method simple --env sbs-config.json")
	key, err := base64.StdEncoding.DecodeString(read(t, env.keyFile(repository)))
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(home, "store")
	env.MustCLI(t, "get-signatures --env sbs-config.json --output "+store)
	policy := skopeoPolicy(t, home, string(key), "docker:\n  "+env.Gates.Registry.Address()+":\n    lookaside: file://"+store+"\n")
	for _, tag := range tags {
		kit.MustExecute(t, "", nil, "", "skopeo", append(policy, "copy", "--src-tls-verify=false",
			"--src-creds="+writer.User+":"+writer.Password, "docker://"+repository+":"+tag, "dir:"+t.TempDir())...)
	}
}

// An image is signed with every method at once; a second build of the same commit
// succeeds.
func TestSignedWithEveryMethod(t *testing.T) {
	env := shared
	every := []string{api.SigningSimple, api.SigningDCT, api.SigningSigstoreLegacy, api.SigningSigstore}
	env.prepare(t, "every-method", hello, map[string]any{"IMAGE_SIGNING": every})
	for range 2 {
		env.MustBuild(t)
		if methods := methods(env.record(t)); !slices.Equal(methods, every) {
			t.Errorf("signed with %q", methods)
		}
	}
	config, err := env.Client.ImageConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Signatures) != len(every)+1 || config.Signatures[len(every)].Method != api.KeyOfAttestations || config.PublicKeyID != config.Signatures[0].ID || config.Lookaside == "" {
		t.Errorf("config-json: %+v", config)
	}
}

// One failed signature fails the build, even if another method succeeded before.
func TestOneFailedSignatureFailsTheBuild(t *testing.T) {
	env := shared
	env.prepare(t, "halfsigned", hello, map[string]any{"IMAGE_SIGNING": "simple,dct", "DOCKER_CONTENT_TRUST_PUSH_SERVER": impostor(t)})
	built := env.Build(t)
	if !strings.Contains(built.Status.Status, "docker trust sign") || built.Status.Status == api.StatusSuccess {
		t.Errorf("the build ended with %q (%s)", built.Status.Status, built.Cause)
	}
	if record := env.record(t); len(record.Signatures) != 0 {
		t.Errorf("the record of the failed build has the signatures %q", methods(record))
	}
}

func methods(record job.Record) (methods []string) {
	for _, signature := range record.Signatures {
		methods = append(methods, signature.Method)
	}
	return methods
}

// keyFile returns the path to which the client writes the public key of a
// repository's images.
func (env *environment) keyFile(repository string) string {
	return filepath.Join(env.Dir(), strings.ReplaceAll(repository, "/", "-")+"-public.key")
}

// skopeoPolicy writes a policy for skopeo that requires a signature by the key, and
// returns the options for it.
func skopeoPolicy(t *testing.T, home, key, registries string) []string {
	t.Helper()
	keyFile, policyFile, folder := filepath.Join(home, "key.asc"), filepath.Join(home, "policy.json"), filepath.Join(home, "registries.d")
	policy, err := json.Marshal(map[string]any{
		"default": []any{map[string]any{"type": "signedBy", "keyType": "GPGKeys", "keyPath": keyFile}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{keyFile: key, policyFile: string(policy), filepath.Join(folder, "sbs.yaml"): registries} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"--policy", policyFile, "--registries.d", folder}
}
