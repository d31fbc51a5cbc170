//go:build stack

package secrets

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// patience bounds every wait. It is no measure of speed: it only makes a hanging
// test fail.
const patience = time.Minute

// environment is a stack whose server has secrets in all places where it may have some.
type environment struct {
	*harness.Stack
	program   string         // path of sbs-server
	temporary string         // the server's TMPDIR
	given     map[string]any // parameters of a build that succeeds
}

func start(t *testing.T) *environment {
	t.Helper()
	programs, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := &environment{program: programs.ServerBinary, temporary: t.TempDir()}
	t.Setenv("TMPDIR", env.temporary) // the stack hands it on to the server
	programs.Dir = filepath.Join(t.TempDir(), "stack")
	// No part of the stack is reached through it: they are on loopback.
	programs.ServerEnvironment = []string{"SBS_LOG_LEVEL=debug", "HTTPS_PROXY=http://staff:" + proxyPassword + "@proxy.sbs.test:3128"}
	for name, value := range contract {
		programs.ServerEnvironment = append(programs.ServerEnvironment, name+"="+value)
	}
	if env.Stack, err = harness.Start(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for name, dockerfile := range map[string]string{
		"works": "FROM " + env.BaseImage + "\nARG SHOWN\nCOPY . /source\nRUN env > /step && cat /proc/self/environ > /process\n",
		"fails": "FROM " + env.BaseImage + "\nCOPY nowhere /\n",
	} {
		content := map[string]gitserver.File{"Dockerfile": {Content: dockerfile}}
		if _, err := gitserver.CreateRepository(t.Context(), env.GitRoot, name+".git", content); err != nil {
			t.Fatal(err)
		}
	}
	env.readParameters(t)
	return env
}

// readParameters takes the stack's own: its passwords are as good as planted.
func (env *environment) readParameters(t *testing.T) {
	t.Helper()
	var err error
	if env.given, err = kit.Parameters(env.Dir()); err != nil {
		t.Fatal(err)
	}
	maps.Copy(env.given, map[string]any{
		"GITHUB_URL": env.Git.SSHURL("works.git"), "DOCKER_REPO": "sbs/secrets", "ARG": map[string]any{"SHOWN": "to anyone"},
		"IMAGE_SIGNING": "dct,simple,sigstore,sigstore-legacy", "ATTESTATIONS": "provenance,sbom",
		"MANIFEST_BUCKET_NAME": "manifests", "STATE_BUCKET_NAME": "states",
	})
}

// with are the given parameters with changes; nil takes one away.
func (env *environment) with(changes map[string]any) map[string]any {
	return kit.With(env.given, changes)
}

// ask sends a request and returns what comes back, as it came.
func (env *environment) ask(t testing.TB, method, path string, body any) (code int, text string) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, env.Server.URL()+path, strings.NewReader(string(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := env.Server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, fmt.Sprint(response.Header) + "\n" + string(answer)
}

// must is ask, and the answer must have that code.
func (env *environment) must(t testing.TB, code int, method, path string, body any) string {
	t.Helper()
	got, text := env.ask(t, method, path, body)
	if got != code {
		t.Fatalf("%s %s: code %d, want %d: %s", method, path, got, code, text)
	}
	return text
}

// build gives parameters, builds, and returns the status at the end and all that
// was told meanwhile.
func (env *environment) build(t testing.TB, parameters map[string]any) (status api.Status, told string) {
	t.Helper()
	env.must(t, http.StatusOK, http.MethodPost, "/image", parameters)
	env.must(t, http.StatusOK, http.MethodPut, "/image", "")
	told = env.must(t, http.StatusOK, http.MethodGet, "/events", "") // ends with the build
	lines := strings.Split(strings.TrimSpace(told), "\n")
	var last api.Event
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Status == nil {
		t.Fatalf("the build ended with %q: %v", lines[len(lines)-1], err)
	}
	return *last.Status, told
}

// parts is the folder of what a part of the stack keeps.
func (env *environment) parts(name string) string { return filepath.Join(env.Dir(), "parts", name) }

// tlsKey is the server's, which reached it sealed.
func (env *environment) tlsKey(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(env.Dir(), ".*.d", "server-cert-key.pem"))
	if err != nil || len(found) != 1 {
		t.Fatalf("keys of the server: %q, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// enclaveFile is a file of the simulated enclave's folder.
func (env *environment) enclaveFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(env.Server.Enclave(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
