//go:build stack

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// TestLFS builds a repository with a Git LFS file, from a server that is busy at
// first: the object is in the image and in the manifest, and sbs-cli verify computes
// the pointer from it. An object that does not match its pointer fails the build.
func TestLFS(t *testing.T) {
	env := shared
	const name, object = "lfs", "the content of the object\n"
	var wrong atomic.Bool
	var refused atomic.Int32 // requests
	lfs := &gitserver.LFS{
		Refuse: func(*http.Request) int {
			if refused.Add(1) == 1 {
				return http.StatusServiceUnavailable
			}
			return 0
		},
		Reply: func(_, content string) string {
			if wrong.Load() {
				return strings.ToUpper(content)
			}
			return content
		},
	}
	root := t.TempDir()
	server, err := gitserver.Start(t.Context(), gitserver.Options{Root: root, LFS: lfs, User: "ada", Token: "lfs-token"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	pointer := lfs.Add(object)
	content := files{
		".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "big.bin": pointer, "text": pointer,
		"Dockerfile": "FROM " + env.BaseImage + "\nCOPY big.bin text /\nRUN echo \"this is $(cat /big.bin); the text begins with $(head -c 7 /text).\"\n",
	}
	if _, err := gitserver.CreateRepository(t.Context(), root, name+".git", content.forGit()); err != nil {
		t.Fatal(err)
	}
	changes := map[string]any{
		"GITHUB_URL": server.HTTPSURL(name + ".git"), "GITHUB_CA": string(server.CABundle()), "GITHUB_USER": "ada", "GITHUB_TOKEN": "lfs-token",
		"GITHUB_KEY": nil, "GITHUB_LFS": "True",
	}
	env.Initialise(t, name, changes)
	built := env.MustBuild(t)
	for _, line := range []string{
		"HTTP status 503 (Service Unavailable): the request is sent again in 0s", "1 files are Git LFS objects, each checked against its pointer",
		"this is " + strings.TrimSpace(object) + "; the text begins with version.",
	} {
		if !strings.Contains(built.Log(), line) {
			t.Errorf("the log does not have %q:\n%s", line, built.Log())
		}
	}
	sources := filepath.Join(env.unpackManifest(t, built.BuildName), "git")
	if got := read(t, sources, "big.bin"); got != object || read(t, sources, "text") != pointer {
		t.Errorf("the manifest has %q instead of the object", got)
	}
	env.verifyLFS(t, name, changes, built)

	wrong.Store(true)
	failed := env.Build(t)
	if !strings.HasPrefix(failed.Status.Status, api.FailureStatus("git clone")) || !strings.Contains(failed.Cause, `the Git LFS object of "big.bin": the server sent content whose SHA-256 is`) {
		t.Errorf("%q (%s)", failed.Status.Status, failed.Cause)
	}
	env.NothingLeft(t, env.ImageOf(name))
}

// verifyLFS runs sbs-cli verify on the image and its manifest: the row of the commit
// has the number of LFS objects.
func (env *environment) verifyLFS(t *testing.T, name string, changes map[string]any, built kit.Result) {
	t.Helper()
	dir := t.TempDir()
	settings := env.configFor(t, name)
	var config map[string]any
	if err := json.Unmarshal([]byte(read(t, settings)), &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, changes)
	maps.DeleteFunc(config, func(_ string, value any) bool { return value == nil })
	delete(config, "GITHUB_CA")
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, text, 0o600); err != nil {
		t.Fatal(err)
	}
	a := auditor{env: env, image: env.ImageOf(name), built: built, trust: filepath.Join(dir, "trust.json"), lookup: filepath.Join(dir, "lookaside")}
	env.MustCLI(t, "get-trust --env "+settings+" --output "+a.trust)
	manifests, manifestName := env.saveManifest(t, built.BuildName)
	a.manifest = filepath.Join(manifests, manifestName+".sig.tbz")
	reader := env.Registry.Reader()
	a.account = []string{"SBS_DOCKER_RO_USER=" + reader.User, "SBS_DOCKER_RO_PASSWORD=" + reader.Password}
	report, s := a.verify(t, a.image)
	if s.Code != 0 || !strings.Contains(report.Text(), "1 files are LFS objects, each checked against its pointer") {
		t.Errorf("exit code %d: %s\n%s", s.Code, s.Err, report.Text())
	}
}
