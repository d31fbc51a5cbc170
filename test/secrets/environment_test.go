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

// environment is a stack whose server has secrets in all places where it may have some.
type environment struct {
	*kit.Environment
	temporary string // the server's TMPDIR
}

func start(t *testing.T) *environment {
	t.Helper()
	env := &environment{temporary: t.TempDir()}
	t.Setenv("TMPDIR", env.temporary) // the stack hands it on to the server
	env.Environment = kit.StartForTest(t, func(options *harness.Options) {
		// No part of the stack is reached through it: they are on loopback.
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
	// The stack's own passwords are as good as planted ones.
	maps.Copy(env.Given, map[string]any{
		"GITHUB_URL": env.Git.SSHURL("works.git"), "DOCKER_REPO": "sbs/secrets", "ARG": map[string]any{"SHOWN": "to anyone"},
		"IMAGE_SIGNING": "dct,simple,sigstore,sigstore-legacy", "ATTESTATIONS": "provenance,sbom",
		"MANIFEST_BUCKET_NAME": "manifests", "STATE_BUCKET_NAME": "states",
	})
	return env
}

// with returns the given parameters with changes; nil takes one away.
func (env *environment) with(changes map[string]any) map[string]any {
	return kit.WithChanges(env.Given, changes)
}

// request sends body as JSON and returns all that comes back.
func (env *environment) request(t testing.TB, method, path string, body any) (code int, text string) {
	t.Helper()
	reply := env.Request(t, method, path, kit.JSON(t, body))
	return reply.Code, fmt.Sprint(reply.Header) + "\n" + reply.Text
}

// must is request, and the response must have that code.
func (env *environment) must(t testing.TB, code int, method, path string, body any) string {
	t.Helper()
	got, text := env.request(t, method, path, body)
	if got != code {
		t.Fatalf("%s %s: code %d, want %d: %s", method, path, got, code, text)
	}
	return text
}

// build gives parameters, builds, and returns the status at the end and all that
// came back meanwhile, with its headers.
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
