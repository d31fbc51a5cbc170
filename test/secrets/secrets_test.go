//go:build stack

package secrets

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/config"
)

// Whatever builds do and however they end, no secret can be found where somebody
// else could look.
func TestSecretsAreNowhere(t *testing.T) {
	values := planted(t)
	for _, key := range []string{"SECRET", "NEW_SECRET"} { // they have a form
		text, err := config.NewSecret()
		if err != nil {
			t.Fatal(err)
		}
		values[key] = text
	}
	env := start(t)
	broken := breakages(t, env, values)
	values["GITHUB_CREDENTIALS"] = credentials(t, env)

	// Parameters that the stack needs no value of its own for get a planted one.
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, has := env.Given[key]; !has && key != "NEW_SECRET" && !strings.Contains(key, "HMAC") && key != "GITHUB_TOKEN" {
			env.Given[key] = values[key]
		}
	}
	env.Given["DOCKER_RO_PASSWORD"] = values["DOCKER_RO_PASSWORD"]
	delete(values, "GITHUB_KEY") // only its own form is taken; the stack's is looked for
	delete(values, "SECRET")
	secretKeys := map[string]bool{"GITHUB_KEY": true, "SECRET": true}
	for key := range values {
		secretKeys[key] = true
	}
	only := func(parameters map[string]any) map[string]any {
		found := maps.Clone(parameters)
		maps.DeleteFunc(found, func(key string, value any) bool { return !secretKeys[key] || value == nil })
		return found
	}
	all := []map[string]any{values, only(env.Given)}
	for _, b := range broken {
		all = append(all, only(b.changes))
	}
	wrongKey := newSSHKey(t)
	all = append(all, map[string]any{"GITHUB_KEY": wrongKey})

	// The first build makes the keys that the others are searched for.
	if status, _ := env.build(t, env.Given); status.Status != api.StatusSuccess {
		t.Fatalf("the first build ended with %q: %s", status.Status, status.Cause)
	}
	known := env.operators(t)
	for _, set := range all {
		known = append(known, list(set)...)
	}
	born := env.born(t)
	if len(born) < 10 {
		t.Fatalf("only %d numbers of keys were found", len(born))
	}
	search := newSearch(append(known, born...))
	look := func(where, text string) {
		for _, hit := range search.in(text) {
			t.Errorf("%s shows %s %s", where, hit.name, hit.form)
		}
	}

	watch := &watch{
		search: search, folders: []string{env.Server.Volume(), env.temporary}, program: env.Programs.ServerBinary,
		ours: map[string]bool{"HTTPS_PROXY": true, "IMAGE_SECRET": true, "IMAGE_SECRET_PREVIOUS": true},
	}
	watch.start()
	// The key for this repository opens it, and GITHUB_KEY would not.
	status, told := env.build(t, env.with(map[string]any{"GITHUB_KEY": wrongKey}))
	if status.Status != api.StatusSuccess {
		t.Errorf("the build ended with %q: %s", status.Status, status.Cause)
	}
	look("the events of a success", told)
	env.answers(t, look)
	for _, b := range broken {
		status, told := env.build(t, env.with(b.changes))
		if !strings.HasPrefix(status.Status, "exiting due to a non-zero return value: ") {
			t.Errorf("%s: the build ended with %q", b.step, status.Status)
		}
		look("the events of a failure: "+b.step, told)
		env.answers(t, func(where, text string) { look(where+" after "+b.step, text) })
	}
	env.refusals(t, values, look)
	env.exports(t, values, look)
	env.abort(t)
	for found := range watch.end() {
		t.Error(found)
	}
	t.Logf("%d looks while builds ran", watch.passed())

	for name, dir := range map[string]string{
		"the data volume": env.Server.Volume(), "the registry": env.parts("registry"), "the notary server": env.parts("notary"), "TMPDIR": env.temporary,
	} {
		if files := folder(t, dir, look); files == 0 && name != "TMPDIR" {
			t.Errorf("%s is empty", name)
		}
	}
	log, err := os.ReadFile(env.Server.Log())
	if err != nil || !strings.Contains(string(log), "SIGABRT") {
		t.Errorf("the server's log does not hold its end: %v", err)
	}
	look("the server's log", string(log))
}

// answers asks everything that can be asked.
func (env *environment) answers(t testing.TB, look func(where, text string)) {
	t.Helper()
	for _, path := range []string{"/image", "/log/build", "/manifest", "/publickey", "/imagedigest", "/builds", "/attestation?nonce=" + strings.Repeat("A", 22), "/metrics", "/events", "/nowhere"} {
		_, text := env.request(t, http.MethodGet, path, "")
		unpack("GET "+path, text, look)
	}
	// These two exist to tell whoever deploys the image its read-only password.
	for _, path := range []string{"/config-json", "/config-python"} {
		_, text := env.request(t, http.MethodGet, path, "")
		for form, shown := range forms(env.Given["DOCKER_RO_PASSWORD"].(string)) {
			if form == "as JSON" || form == "as JSON for pages" {
				text = strings.ReplaceAll(text, shown, "")
			}
		}
		look("GET "+path, text)
	}
}

// refusals send each secret in a form that is refused.
func (env *environment) refusals(t testing.TB, values map[string]any, look func(where, text string)) {
	t.Helper()
	for key, value := range values {
		for name, bad := range map[string]any{
			"a list": []any{value}, "a control character": fmt.Sprint(value) + "\x01", "too long": strings.Repeat(fmt.Sprint(value), 3000),
		} {
			for _, method := range []string{http.MethodPost, http.MethodPatch} {
				code, text := env.request(t, method, "/image", env.with(map[string]any{key: bad}))
				if code < 400 || code >= 500 {
					t.Errorf("%s with %s in %s: code %d", method, name, key, code)
				}
				look("the refusal of "+name+" in "+key, text)
			}
		}
	}
	for name, bad := range badCredentials(values["GITHUB_CREDENTIALS"].([]any)) {
		code, text := env.request(t, http.MethodPost, "/image", env.with(map[string]any{"GITHUB_CREDENTIALS": bad}))
		if code < 400 || code >= 500 {
			t.Errorf("%s: code %d", name, code)
		}
		look("the refusal of "+name, text)
	}
	for _, body := range []any{ // the name of an object is no secret
		map[string]any{"secret": values["NEW_SECRET"], "state": values["DOCKER_PASSWORD"]},
		map[string]any{"secret": values["NEW_SECRET"], "state_bucket_name": "states", "name": "nothing"},
	} {
		_, text := env.request(t, http.MethodPost, "/state-image", body)
		look("the refusal of a state", text)
	}
	_, text := env.request(t, http.MethodGet, "/manifest", map[string]any{"BUILD_NAME": values["DOCKER_PASSWORD"]})
	look("the refusal of a build's name", text)
}

// exports takes the state out, in both ways, and changes the secret.
func (env *environment) exports(t testing.TB, values map[string]any, look func(where, text string)) {
	t.Helper()
	env.must(t, http.StatusOK, http.MethodPost, "/image", env.Given)
	unpack("the state image", env.must(t, http.StatusOK, http.MethodGet, "/state-image", map[string]any{}), look)
	look("the answer of an export", env.must(t, http.StatusOK, http.MethodGet, "/state-image", map[string]any{"state_bucket_name": "states"}))
	look("the answer of an update", env.must(t, http.StatusOK, http.MethodPatch, "/image", env.with(map[string]any{"NEW_SECRET": values["NEW_SECRET"]})))
}

// abort ends the server as a bug would, while it builds: what it says then is
// searched with the log, and a core file with the folder it works in.
func (env *environment) abort(t testing.TB) {
	t.Helper()
	env.must(t, http.StatusOK, http.MethodPut, "/image", "")
	if err := syscall.Kill(env.Server.PID(), syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-env.Server.Done()
	if cores, err := filepath.Glob(env.parts("core*")); err != nil || len(cores) > 0 {
		t.Errorf("core files: %q, %v", cores, err)
	}
}
