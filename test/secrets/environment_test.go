//go:build stack

package secrets

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// environment is a stack whose server has a secret in every parameter and variable
// that can hold one.
type environment struct {
	*kit.Environment
	temporary string // the server's TMPDIR
}

func start(t *testing.T) *environment {
	t.Helper()
	env := &environment{temporary: t.TempDir()}
	t.Setenv("TMPDIR", env.temporary) // the stack passes it to the server
	env.Environment = kit.StartForTest(t, func(options *harness.Options) {
		// The proxy is never used: all parts of the stack are on loopback.
		options.ServerEnvironment = []string{"SBS_LOG_LEVEL=debug", "HTTPS_PROXY=http://staff:" + proxyPassword + "@proxy.sbs.test:3128"}
		for name, value := range contract {
			options.ServerEnvironment = append(options.ServerEnvironment, name+"="+value)
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
	// The stack's own passwords serve as planted ones.
	maps.Copy(env.Given, map[string]any{
		"GITHUB_URL": env.Git.SSHURL("works.git"), "DOCKER_REPO": "sbs/secrets", "ARG": map[string]any{"SHOWN": "to anyone"},
		"IMAGE_SIGNING": "dct,simple,sigstore,sigstore-legacy", "ATTESTATIONS": "provenance,sbom",
		"MANIFEST_BUCKET_NAME": "manifests", "STATE_BUCKET_NAME": "states",
	})
	return env
}

// with returns the given parameters with changes; nil removes a parameter.
func (env *environment) with(changes map[string]any) map[string]any {
	return kit.WithChanges(env.Given, changes)
}

// request sends body as JSON and returns the status code, and the response's header
// and body.
func (env *environment) request(t testing.TB, method, path string, body any) (code int, text string) {
	t.Helper()
	reply := env.Request(t, method, path, kit.JSON(t, body))
	return reply.Code, fmt.Sprint(reply.Header) + "\n" + reply.Text
}

// must sends a request like request, and fails the test unless the response has that
// code.
func (env *environment) must(t testing.TB, code int, method, path string, body any) string {
	t.Helper()
	got, text := env.request(t, method, path, body)
	if got != code {
		t.Fatalf("%s %s: code %d, want %d: %s", method, path, got, code, text)
	}
	return text
}

// build sets the parameters and builds. It returns the final status, and the header
// and body of the response with the events.
func (env *environment) build(t testing.TB, parameters map[string]any) (status api.Status, events string) {
	t.Helper()
	env.must(t, http.StatusOK, http.MethodPost, "/image", parameters)
	env.must(t, http.StatusOK, http.MethodPut, "/image", "")
	events = env.must(t, http.StatusOK, http.MethodGet, "/events", "") // ends with the build
	lines := strings.Split(strings.TrimSpace(events), "\n")
	var last api.Event
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Status == nil {
		t.Fatalf("the build ended with %q: %v", lines[len(lines)-1], err)
	}
	return *last.Status, events
}

// parts returns the data folder of a part of the stack.
func (env *environment) parts(name string) string { return filepath.Join(env.Dir(), "parts", name) }

// tlsKey returns the server's TLS key, which the server was given sealed.
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

// enclaveFile returns the content of a file in the simulated enclave's folder.
func (env *environment) enclaveFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(env.Server.Enclave(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
