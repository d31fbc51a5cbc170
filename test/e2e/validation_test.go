//go:build stack

package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/test/kit"
)

// badParameters are invalid parameters, each with the key that the refusal must have.
var badParameters = map[string]struct {
	key   string
	value any
}{
	"unknown key":                    {"GITHUB_BRANCHES", "main"},
	"key in lower case":              {"github_branch", "main"},
	"bad URL":                        {"GITHUB_URL", "ftp://example.com/a.git"},
	"URL with an option":             {"GITHUB_URL", "ssh://-oProxyCommand=id/a.git"},
	"bad branch":                     {"GITHUB_BRANCH", "a..b"},
	"bad known hosts":                {"GITHUB_KNOWN_HOSTS", "github.com ssh-ed25519"},
	"bad depth":                      {"GITHUB_DEPTH", 0},
	"path outside the repository":    {"DOCKERFILE_PATH", "../Dockerfile"},
	"absolute path":                  {"DOCKER_BUILD_PATH", "/etc"},
	"path in .git":                   {"DOCKER_BUILD_PATH", ".git/hooks"},
	"repository in capitals":         {"DOCKER_REPO", "SBS/demo"},
	"repository with a tag":          {"DOCKER_REPO", "sbs/demo:1"},
	"registry over http":             {"DOCKER_PUSH_SERVER", "http://registry.example.com"},
	"no password":                    {"DOCKER_PASSWORD", nil},
	"half a pair":                    {"DOCKER_RO_PASSWORD", nil},
	"bad tag prefix":                 {"IMAGE_TAG_PREFIX", "-a"},
	"bad argument":                   {"ARG", map[string]any{"A-B": "1"}},
	"argument that is not an object": {"ARG", "A=1"},
	"bad environment name":           {"ENV_WHITELIST", []string{"A=B"}},
	"notary over http":               {"DOCKER_CONTENT_TRUST_PUSH_SERVER", "http://notary.example.com"},
	"Docker's notary":                {"DOCKER_CONTENT_TRUST_PUSH_SERVER", "https://notary.docker.io"},
	"no certificate":                 {"DOCKER_CONTENT_TRUST_CA", "none"},
	"short secret":                   {"SECRET", "c2hvcnQ="},
	"not a boolean":                  {"GITHUB_RECURSE_SUBMODULES", "maybe"},
	"runtime type":                   {"RUNTIME_TYPE", "mainframe"},
	"SECRETS":                        {"SECRETS", "a planted secret"},
	"BUILD_SCRIPT":                   {"BUILD_SCRIPT", "build.sh"},
	"BUILD_DIR":                      {"BUILD_DIR", "work"},
	"new secret in init":             {"NEW_SECRET", strings.Repeat("QUJD", 32)},
}

// Invalid parameters are refused with their key, before init and after it, and never
// stored.
func TestBadParametersAreRefused(t *testing.T) {
	env := fresh(t)
	env.repository(t, "door.git", hello)
	refuse := func(t *testing.T) {
		for name, bad := range badParameters {
			t.Run(name, func(t *testing.T) {
				reply := env.Request(t, http.MethodPost, "/image", string(env.ParametersFor(t, "door", map[string]any{bad.key: bad.value})))
				object := reply.Object()
				status, _ := object["status"].(string)
				if reply.Code != http.StatusBadRequest || !strings.HasPrefix(status, bad.key+": ") ||
					object["code"] != string(api.CodeBadParameter) || object["key"] != bad.key {
					t.Errorf("%+v, want that %s is wrong", reply, bad.key)
				}
				if text, ok := bad.value.(string); ok && isSecret(bad.key) && strings.Contains(reply.Text, text) {
					t.Errorf("the reply contains a secret: %s", reply.Text)
				}
			})
		}
	}
	t.Run("before init", refuse)
	if status := env.Request(t, http.MethodGet, "/image", `""`); compact(t, status.Text) != `{"status":""}` {
		t.Errorf("status %s, want that nothing was stored", status.Text)
	}
	for _, request := range []struct{ method, path string }{{http.MethodPut, "/image"}, {http.MethodGet, "/events"}} {
		if reply := env.Request(t, request.method, request.path, `""`); reply.Code != http.StatusConflict || reply.Object()["code"] != "not_initialised" {
			t.Errorf("%s %s before init: %+v", request.method, request.path, reply)
		}
	}
	if reply := env.Request(t, http.MethodPatch, "/image", string(env.ParametersFor(t, "door", nil))); reply.Code != http.StatusConflict {
		t.Errorf("update before init: %+v", reply)
	}

	env.Initialise(t, "door", nil)
	t.Run("after init", refuse)
	if built := env.MustBuild(t); !strings.HasPrefix(built.ImageTag, "s390x-v1-") {
		t.Errorf("image tag %q: a refused parameter was stored", built.ImageTag)
	}
}

// The stock client sends a body with every request, GET included.
func TestRequestBodies(t *testing.T) {
	env := shared
	env.prepare(t, "bodies", hello, nil)
	built := env.MustBuild(t)
	for _, path := range []string{"/image", "/log/build", "/manifest", "/publickey", "/imagedigest", "/config-json", "/config-python", "/events"} {
		replies := map[string]int{}
		for _, body := range []string{"", `""`, "{}", " {} \n"} {
			replies[env.Request(t, http.MethodGet, path, body).Text]++
		}
		if len(replies) != 1 {
			t.Errorf("GET %s has %d different replies to four empty bodies", path, len(replies))
		}
	}
	large := `{"BUILD_NAME":"` + strings.Repeat("a", api.MaxBody) + `"}`
	for _, test := range []struct {
		method, path, body string
		code               int
	}{
		{http.MethodPost, "/image", large, http.StatusRequestEntityTooLarge},
		{http.MethodPatch, "/image", large, http.StatusRequestEntityTooLarge},
		{http.MethodGet, "/manifest", large, http.StatusRequestEntityTooLarge},
		{http.MethodPost, "/image", "{", http.StatusBadRequest},
		{http.MethodPost, "/image", "[]", http.StatusBadRequest},
		{http.MethodPost, "/image", `""`, http.StatusBadRequest},
		{http.MethodGet, "/manifest", "[1]", http.StatusBadRequest},
		{http.MethodGet, "/manifest", `{"BUILD_NAME":1}`, http.StatusBadRequest},
		{http.MethodGet, "/nowhere", "", http.StatusNotFound},
		{http.MethodGet, "/log/passwords", "", http.StatusNotFound},
		{http.MethodGet, "/log/..%2fjob.json", "", http.StatusNotFound},
		{http.MethodPost, "/manifest", "", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/publickey", "", http.StatusMethodNotAllowed},
	} {
		reply := env.Request(t, test.method, test.path, test.body)
		status, _ := reply.Object()["status"].(string)
		if reply.Code != test.code || status == "" {
			t.Errorf("%s %s with %.20s: %+v, want code %d and a status", test.method, test.path, test.body, reply, test.code)
		}
	}
	if status := env.Status(t); status.BuildName != built.BuildName {
		t.Errorf("after all this the status is %+v", status)
	}
}

// Parameters can be changed with the current SECRET only. A request that changes
// SECRET can be repeated.
func TestSecretRotation(t *testing.T) {
	env := fresh(t)
	env.prepare(t, "secrets", hello, nil)
	secret := func() string {
		t.Helper()
		text, err := config.NewSecret()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first, second, wrong := env.Given["SECRET"].(string), secret(), secret()
	send := func(method string, changes map[string]any, code int) {
		t.Helper()
		maps.Copy(changes, map[string]any{"IMAGE_TAG_PREFIX": map[bool]string{true: "accepted", false: "refused"}[code == http.StatusOK]})
		reply := env.Request(t, method, "/image", string(env.ParametersFor(t, "secrets", changes)))
		status, _ := reply.Object()["status"].(string)
		if reply.Code != code || (status == "OK") != (code == http.StatusOK) {
			t.Errorf("%s: %+v, want code %d", method, reply, code)
		}
		secrets{{"SECRET", first}, {"NEW_SECRET", second}, {"a wrong SECRET", wrong}}.checkHidden(t, method, reply.Text)
	}
	send(http.MethodPatch, map[string]any{"SECRET": wrong}, http.StatusForbidden)
	send(http.MethodPost, map[string]any{"SECRET": wrong}, http.StatusForbidden)
	send(http.MethodPatch, map[string]any{"SECRET": wrong, "NEW_SECRET": second}, http.StatusForbidden)
	send(http.MethodPatch, map[string]any{}, http.StatusOK)
	rotation := map[string]any{"NEW_SECRET": second}
	send(http.MethodPatch, rotation, http.StatusOK)
	send(http.MethodPatch, rotation, http.StatusOK) // the client may not have received the first response
	send(http.MethodPatch, map[string]any{}, http.StatusForbidden)
	send(http.MethodPatch, map[string]any{"NEW_SECRET": wrong}, http.StatusForbidden)
	send(http.MethodPatch, map[string]any{"SECRET": second}, http.StatusOK)
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(http.MethodPatch, map[string]any{}, http.StatusForbidden)
	if built := env.MustBuild(t); !strings.HasPrefix(built.ImageTag, "accepted-") {
		t.Errorf("image tag %q: refused parameters were stored", built.ImageTag)
	}
	send(http.MethodPatch, map[string]any{"SECRET": second}, http.StatusOK)

	// The client rotates the secret in its configuration.
	text := read(t, env.Dir(), kit.ConfigName)
	path := filepath.Join(env.Dir(), kit.ConfigName)
	if err := os.WriteFile(path, []byte(strings.Replace(text, first, second, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	env.MustCLI(t, "update --env sbs-config.json --new-secret")
	env.MustCLI(t, "update --env sbs-config.json")
	var stored map[string]any
	if err := json.Unmarshal([]byte(read(t, env.Dir(), kit.ConfigName)), &stored); err != nil {
		t.Fatal(err)
	}
	if stored["SECRET"] == second || stored["SECRET"] == "" {
		t.Error("update --new-secret did not store a new secret")
	}
	env.checkHiddenEverywhere(t, secrets{{"SECRET", first}, {"SECRET", second}, {"SECRET", stored["SECRET"].(string)}})
}
