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
	"github.com/opensbs/sbs/test/suite"
)

// patience bounds every wait. It is no measure of speed: it only makes a hanging
// test fail.
const patience = time.Minute

// lab is a stack whose server has secrets in all places where it may have some.
type lab struct {
	*harness.Stack
	program   string         // path of sbs-server
	temporary string         // the server's TMPDIR
	given     map[string]any // parameters of a build that succeeds
}

func start(t *testing.T) *lab {
	t.Helper()
	programs, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{program: programs.ServerBinary, temporary: t.TempDir()}
	t.Setenv("TMPDIR", l.temporary) // the stack hands it on to the server
	programs.Dir = filepath.Join(t.TempDir(), "stack")
	// No part of the stack is reached through it: they are on loopback.
	programs.ServerEnvironment = []string{"SBS_LOG_LEVEL=debug", "HTTPS_PROXY=http://staff:" + proxyPassword + "@proxy.sbs.test:3128"}
	for name, value := range contract {
		programs.ServerEnvironment = append(programs.ServerEnvironment, name+"="+value)
	}
	if l.Stack, err = harness.Start(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for name, dockerfile := range map[string]string{
		"works": "FROM " + l.BaseImage + "\nARG SHOWN\nCOPY . /source\nRUN env > /step && cat /proc/self/environ > /process\n",
		"fails": "FROM " + l.BaseImage + "\nCOPY nowhere /\n",
	} {
		content := map[string]gitserver.File{"Dockerfile": {Content: dockerfile}}
		if _, err := gitserver.CreateRepository(t.Context(), l.GitRoot, name+".git", content); err != nil {
			t.Fatal(err)
		}
	}
	l.readParameters(t)
	return l
}

// readParameters takes the stack's own: its passwords are as good as planted.
func (l *lab) readParameters(t *testing.T) {
	t.Helper()
	var err error
	if l.given, err = suite.Parameters(l.Dir()); err != nil {
		t.Fatal(err)
	}
	maps.Copy(l.given, map[string]any{
		"GITHUB_URL": l.Git.SSHURL("works.git"), "DOCKER_REPO": "sbs/secrets", "ARG": map[string]any{"SHOWN": "to anyone"},
		"IMAGE_SIGNING": "dct,simple,sigstore,sigstore-legacy", "ATTESTATIONS": "provenance,sbom",
		"MANIFEST_BUCKET_NAME": "manifests", "STATE_BUCKET_NAME": "states",
	})
}

// with are the given parameters with changes; nil takes one away.
func (l *lab) with(changes map[string]any) map[string]any {
	return suite.With(l.given, changes)
}

// ask sends a request and returns what comes back, as it came.
func (l *lab) ask(t testing.TB, method, path string, body any) (code int, text string) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, l.Server.URL()+path, strings.NewReader(string(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := l.Server.Client().Do(request)
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
func (l *lab) must(t testing.TB, code int, method, path string, body any) string {
	t.Helper()
	got, text := l.ask(t, method, path, body)
	if got != code {
		t.Fatalf("%s %s: code %d, want %d: %s", method, path, got, code, text)
	}
	return text
}

// build gives parameters, builds, and returns the status at the end and all that
// was told meanwhile.
func (l *lab) build(t testing.TB, parameters map[string]any) (status api.Status, told string) {
	t.Helper()
	l.must(t, http.StatusOK, http.MethodPost, "/image", parameters)
	l.must(t, http.StatusOK, http.MethodPut, "/image", "")
	told = l.must(t, http.StatusOK, http.MethodGet, "/events", "") // ends with the build
	lines := strings.Split(strings.TrimSpace(told), "\n")
	var last api.Event
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Status == nil {
		t.Fatalf("the build ended with %q: %v", lines[len(lines)-1], err)
	}
	return *last.Status, told
}

// parts is the folder of what a part of the stack keeps.
func (l *lab) parts(name string) string { return filepath.Join(l.Dir(), "parts", name) }

// tlsKey is the server's, which reached it sealed.
func (l *lab) tlsKey(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(l.Dir(), ".*.d", "server-cert-key.pem"))
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
func (l *lab) enclaveFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.Server.Enclave(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
