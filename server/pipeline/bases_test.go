package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/signature"
)

// The CA certificates of the notary server are for rules of content trust only.
func TestBaseAccess(t *testing.T) {
	b := &build{Pipeline: &Pipeline{Config: Config{CABundle: []byte("operator")}}, parameters: api.Parameters{
		PushServer: "push.example.com", DockerUser: "pusher", DockerPassword: "push-word", TrustCA: "notary",
	}}
	b.accounts = b.parameters.PullAccounts()
	access := b.baseAccess(t.Context())
	if string(access.Common.CABundle) != "operator" || string(access.TrustCABundle) != "operator\nnotary\n" || access.Common.User != "" || len(access.Accounts) != 1 || access.Accounts[0].User != "pusher" {
		t.Errorf("got %+v", access)
	}
}

var sum = "sha256:" + strings.Repeat("0a", 32)

func TestBuilderUsedAnotherImage(t *testing.T) {
	reference := signature.Reference{Repository: "docker.io/ns/app", Tag: "1"}
	verified := baseimage.Image{Verified: signature.Verified{Reference: reference, Digest: sum, Method: api.SigningDCT, KeyID: "id"}, Pinned: "docker.io/ns/app@" + sum}
	unused := baseimage.Image{Verified: signature.Verified{Reference: signature.Reference{Repository: "docker.io/ns/unused", Tag: "1"}, Digest: sum}, Pinned: "docker.io/ns/unused@" + sum}
	b := &build{parameters: api.Parameters{BasePolicy: api.BasePolicy{{}}}, bases: []baseimage.Image{verified, unused}}
	recorded, err := b.baseImages([]builder.BaseImage{{Reference: "docker.io/ns/app", Digest: sum}})
	if err != nil || len(recorded) != 1 || recorded[0].Reference != "docker.io/ns/app:1" || recorded[0].Method != api.SigningDCT || recorded[0].KeyID != "id" {
		t.Errorf("%+v, %v", recorded, err)
	}
	for _, other := range []builder.BaseImage{
		{Reference: "docker.io/ns/app:1", Digest: strings.Replace(sum, "0a", "0b", 1)},
		{Reference: "docker.io/ns/other", Digest: sum},
		{Reference: "docker.io/ns/app", Digest: ""},
	} {
		if _, err := b.baseImages([]builder.BaseImage{other}); err == nil || !strings.Contains(err.Error(), other.Reference) {
			t.Errorf("%+v: error %v", other, err)
		}
	}
	if _, err := b.baseImages([]builder.BaseImage{{Reference: "docker.io/ns/app"}}); err == nil || !strings.Contains(err.Error(), "without reporting its digest") {
		t.Errorf("without a digest: error %v", err)
	}
	b.parameters = api.Parameters{}
	if recorded, err := b.baseImages([]builder.BaseImage{{Reference: "a:1", Digest: "x"}}); err != nil || len(recorded) != 1 || recorded[0].Method != "" {
		t.Errorf("without rules: %+v, %v", recorded, err)
	}
}

func TestVerifyCommands(t *testing.T) {
	for method, want := range map[string]string{
		api.SigningDCT: "docker trust inspect ", api.SigningSimple: "skopeo standalone-verify ", api.SigningSigstore: "cosign verify ",
		api.SigningSigstoreLegacy: "cosign verify ", api.BaseDigest: "docker manifest inspect ",
	} {
		err := fmt.Errorf("cause: %w", &signature.Error{Image: signature.Reference{Repository: "docker.io/ns/app", Tag: "1"}, Method: method, Err: errors.New("no")})
		if got := verifyCommand(err); !strings.HasPrefix(got, want) || !strings.Contains(got, "docker.io/ns/app:1") {
			t.Errorf("%s: %s", method, got)
		}
	}
	if got := verifyCommand(&baseimage.UncoveredError{}); got != "" {
		t.Errorf("uncovered: %s", got)
	}
}

func TestOnlyRegularFilesOfTheCloneAreRead(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range map[string][]byte{"Dockerfile": []byte("FROM a\n"), "large": make([]byte, maxDockerfile+1)} {
		if err := os.WriteFile(path(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", path("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("Dockerfile", path("within")); err != nil {
		t.Fatal(err)
	}
	if text, err := readRegular(dir, "within"); err != nil || string(text) != "FROM a\n" {
		t.Errorf("a link within the folder: %q, %v", text, err)
	}
	if text, err := readRegular(dir, "Dockerfile"); err != nil || string(text) != "FROM a\n" {
		t.Errorf("%q, %v", text, err)
	}
	for _, name := range []string{"link", "large", "none", "."} {
		if _, err := readRegular(dir, name); err == nil || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v, want one without the server's path", name, err)
		}
	}
}
