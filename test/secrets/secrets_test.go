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

// No secret is visible from outside during or after builds that succeed and builds
// that fail in each step.
func TestNoSecretLeaks(t *testing.T) {
	values := planted(t)
	for _, key := range []string{"SECRET", "NEW_SECRET"} { // the server checks their format
		text, err := config.NewSecret()
		if err != nil {
			t.Fatal(err)
		}
		values[key] = text
	}
	env := start(t)
	failing := faults(t, env, values)
	values["GITHUB_CREDENTIALS"] = credentials(t, env)

	// Parameters that the stack gives no value get a planted one.
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, has := env.Given[key]; !has && key != "NEW_SECRET" && !strings.Contains(key, "HMAC") && key != "GITHUB_TOKEN" {
			env.Given[key] = values[key]
		}
	}
	env.Given["DOCKER_RO_PASSWORD"] = values["DOCKER_RO_PASSWORD"]
	delete(values, "GITHUB_KEY") // it must be a valid key: the stack's is searched for
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
	for _, f := range failing {
		all = append(all, only(f.changes))
	}
	wrongKey := newSSHKey(t)
	all = append(all, map[string]any{"GITHUB_KEY": wrongKey})

	// The server generates its keys in the first build.
	if status, _ := env.build(t, env.Given); status.Status != api.StatusSuccess {
		t.Fatalf("the first build ended with %q: %s", status.Status, status.Cause)
	}
	known := env.operatorSecrets(t)
	for _, set := range all {
		known = append(known, list(set)...)
	}
	generated := env.generatedKeys(t)
	if len(generated) < 10 {
		t.Fatalf("only %d numbers of keys were found", len(generated))
	}
	search := newSearch(append(known, generated...))
	check := func(where, text string) {
		for _, hit := range search.in(text) {
			t.Errorf("%s shows %s %s", where, hit.name, hit.form)
		}
	}

	watch := &watch{
		search: search, folders: []string{env.Server.Volume(), env.temporary}, program: env.Programs.ServerBinary,
		ours: map[string]bool{"HTTPS_PROXY": true, "IMAGE_SECRET": true, "IMAGE_SECRET_PREVIOUS": true},
	}
	watch.start()
	// The key for this repository gives access to it; GITHUB_KEY doesn't.
	status, events := env.build(t, env.with(map[string]any{"GITHUB_KEY": wrongKey}))
	if status.Status != api.StatusSuccess {
		t.Errorf("the build ended with %q: %s", status.Status, status.Cause)
	}
	check("the events of a success", events)
	env.responses(t, check)
	for _, f := range failing {
		status, events := env.build(t, env.with(f.changes))
		if !strings.HasPrefix(status.Status, "exiting due to a non-zero return value: ") {
			t.Errorf("%s: the build ended with %q", f.step, status.Status)
		}
		check("the events of a failure: "+f.step, events)
		env.responses(t, func(where, text string) { check(where+" after "+f.step, text) })
	}
	env.refusals(t, values, check)
	env.exports(t, values, check)
	env.abort(t)
	for found := range watch.end() {
		t.Error(found)
	}
	t.Logf("%d passes of the watch while builds ran", watch.passed())

	for name, dir := range map[string]string{
		"the data volume": env.Server.Volume(), "the registry": env.parts("registry"), "the notary server": env.parts("notary"), "TMPDIR": env.temporary,
	} {
		if files := folder(t, dir, check); files == 0 && name != "TMPDIR" {
			t.Errorf("%s is empty", name)
		}
	}
	log, err := os.ReadFile(env.Server.Log())
	if err != nil || !strings.Contains(string(log), "SIGABRT") {
		t.Errorf("the server's log has no stack trace of SIGABRT: %v", err)
	}
	check("the server's log", string(log))
}

// responses checks the responses of all routes that are read with GET.
func (env *environment) responses(t testing.TB, check func(where, text string)) {
	t.Helper()
	for _, path := range []string{"/image", "/log/build", "/manifest", "/publickey", "/imagedigest", "/builds", "/attestation?nonce=" + strings.Repeat("A", 22), "/metrics", "/events", "/nowhere"} {
		_, text := env.request(t, http.MethodGet, path, "")
		unpack("GET "+path, text, check)
	}
	// These two return the read-only password, for the deployment of the image.
	for _, path := range []string{"/config-json", "/config-python"} {
		_, text := env.request(t, http.MethodGet, path, "")
		for form, shown := range forms(env.Given["DOCKER_RO_PASSWORD"].(string)) {
			if form == "as JSON" || form == "as JSON for pages" {
				text = strings.ReplaceAll(text, shown, "")
			}
		}
		check("GET "+path, text)
	}
}

// refusals sends each secret in forms that the server refuses, and checks the responses.
func (env *environment) refusals(t testing.TB, values map[string]any, check func(where, text string)) {
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
				check("the refusal of "+name+" in "+key, text)
			}
		}
	}
	for name, bad := range badCredentials(values["GITHUB_CREDENTIALS"].([]any)) {
		code, text := env.request(t, http.MethodPost, "/image", env.with(map[string]any{"GITHUB_CREDENTIALS": bad}))
		if code < 400 || code >= 500 {
			t.Errorf("%s: code %d", name, code)
		}
		check("the refusal of "+name, text)
	}
	for _, body := range []any{ // the name of an object is no secret
		map[string]any{"secret": values["NEW_SECRET"], "state": values["DOCKER_PASSWORD"]},
		map[string]any{"secret": values["NEW_SECRET"], "state_bucket_name": "states", "name": "nothing"},
	} {
		_, text := env.request(t, http.MethodPost, "/state-image", body)
		check("the refusal of a state", text)
	}
	_, text := env.request(t, http.MethodGet, "/manifest", map[string]any{"BUILD_NAME": values["DOCKER_PASSWORD"]})
	check("the refusal of a build's name", text)
}

// exports exports the state, in the response and to a bucket, and changes the secret.
// It checks the responses.
func (env *environment) exports(t testing.TB, values map[string]any, check func(where, text string)) {
	t.Helper()
	env.must(t, http.StatusOK, http.MethodPost, "/image", env.Given)
	unpack("the state image", env.must(t, http.StatusOK, http.MethodGet, "/state-image", map[string]any{}), check)
	check("the response to an export", env.must(t, http.StatusOK, http.MethodGet, "/state-image", map[string]any{"state_bucket_name": "states"}))
	check("the response to an update", env.must(t, http.StatusOK, http.MethodPatch, "/image", env.with(map[string]any{"NEW_SECRET": values["NEW_SECRET"]})))
}

// abort ends the server during a build with SIGABRT, as a bug would. It writes a stack
// trace to its log, which is searched afterwards, and must write no core file.
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
