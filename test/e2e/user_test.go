//go:build stack

// What a user does with a build: give parameters, start it, watch it, fetch
// what came of it.
package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// patience bounds every wait for something that must happen. It is no measure
// of speed: it only makes a hanging test fail.
const patience = time.Minute

// files are those of a repository by path. A path that ends in @ is that of a
// symbolic link, as ls -F writes it, and its content the target.
type files map[string]string

// hello is the smallest image there is.
var hello = files{"Dockerfile": "FROM scratch\nCOPY hello /hello\n", "hello": "hello\n"}

// repository makes a repository with one commit and returns its id.
func (env *environment) repository(t testing.TB, name string, content files) string {
	t.Helper()
	commit, err := gitserver.CreateRepository(t.Context(), env.GitRoot, name, content.forGit())
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// commit adds a commit to main and returns its id.
func (env *environment) commit(t testing.TB, name string, content files) string {
	t.Helper()
	commit, err := gitserver.Commit(t.Context(), env.GitRoot, name, gitserver.Change{Files: content.forGit()})
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

func (f files) forGit() map[string]gitserver.File {
	converted := make(map[string]gitserver.File, len(f))
	for name, content := range f {
		file := gitserver.File{Content: content}
		if link, ok := strings.CutSuffix(name, "@"); ok {
			name, file.Mode = link, gitserver.Symlink
		}
		converted[name] = file
	}
	return converted
}

// prepare makes a repository and gives the server the parameters to build it as
// the image sbs/<name>.
func (env *environment) prepare(t testing.TB, name string, content files, changes map[string]any) (commit string) {
	t.Helper()
	commit = env.repository(t, name+".git", content)
	env.initialise(t, name, changes)
	return commit
}

// initialise gives the server the parameters to build a repository that is
// there as the image sbs/<name>.
func (env *environment) initialise(t testing.TB, name string, changes map[string]any) {
	t.Helper()
	body := env.body(t, name, changes)
	if _, err := env.client.Init(t.Context(), body); err != nil {
		t.Fatal(err)
	}
}

func (env *environment) body(t testing.TB, name string, changes map[string]any) []byte {
	t.Helper()
	all := map[string]any{"GITHUB_URL": env.url(name + ".git"), "DOCKER_REPO": "sbs/" + name}
	for key, value := range changes {
		all[key] = value
	}
	body, err := env.parameters(all)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// image is the repository that prepare lets the server push to.
func (env *environment) image(name string) string { return env.registry.Address() + "/sbs/" + name }

// result is what was seen of a build.
type result struct {
	api.Status
	statuses []string // each once, in the order in which they came
	lines    []string // of the log
}

func (r result) log() string { return strings.Join(r.lines, "\n") }

// begin starts a build. A test that fails does not leave it to the next one.
func (env *environment) begin(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			env.releaseAll()
			_, _ = env.client.Clean(context.WithoutCancel(t.Context())) // the test has failed anyhow
		}
	})
	if _, err := env.client.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// build starts a build and follows it to its end.
func (env *environment) build(t testing.TB) result {
	t.Helper()
	env.begin(t)
	return env.follow(t, patience, func(api.Event) {})
}

// succeed is build, and the build must succeed.
func (env *environment) succeed(t testing.TB) result {
	t.Helper()
	return env.succeedWithin(t, patience)
}

// succeedWithin is succeed with a bound of its own.
func (env *environment) succeedWithin(t testing.TB, limit time.Duration) result {
	t.Helper()
	env.begin(t)
	built := env.follow(t, limit, func(api.Event) {})
	if built.Status.Status != api.StatusSuccess {
		t.Fatalf("the build ended with %q (%s), want success; its log:\n%s", built.Status.Status, built.Cause, built.log())
	}
	return built
}

// follow follows the running build to its end.
func (env *environment) follow(t testing.TB, limit time.Duration, seen func(api.Event)) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var r result
	status, err := env.client.Events(ctx, func(event api.Event) error {
		if event.Status == nil {
			r.lines = append(r.lines, event.Log)
		} else if last := len(r.statuses) - 1; last < 0 || r.statuses[last] != event.Status.Status {
			r.statuses = append(r.statuses, event.Status.Status)
		}
		seen(event)
		return nil
	})
	if err != nil {
		t.Fatalf("follow the build: %v; it had come to %q:\n%s", err, r.statuses, r.log())
	}
	r.Status = status
	return r
}

var errSeen = errors.New("it was seen")

// await follows the running build until an event that is asked for.
func (env *environment) await(t testing.TB, what string, asked func(api.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status, err := env.client.Events(ctx, func(event api.Event) error {
		if asked(event) {
			return errSeen
		}
		return nil
	})
	if !errors.Is(err, errSeen) {
		t.Fatalf("waited in vain for %s: %v; the status is %q (%s)", what, err, status.Status, status.Cause)
	}
}

// status asks for the status.
func (env *environment) status(t testing.TB) api.Status {
	t.Helper()
	status, err := env.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status.Status
}

// clean stops what runs and makes the server free.
func (env *environment) clean(t testing.TB) {
	t.Helper()
	if _, err := env.client.Clean(t.Context()); err != nil {
		t.Error(err)
	}
}

// builds are the folders of all builds on the data volume, oldest first.
func (env *environment) builds(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(env.Server.Volume(), "builds", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found // in the order of their names, which are times
}

// record is what the data volume says of the latest build.
func (env *environment) record(t testing.TB) (record job.Record) {
	t.Helper()
	builds := env.builds(t)
	if len(builds) == 0 {
		t.Fatal("the volume has no build")
	}
	if err := json.Unmarshal([]byte(read(t, builds[len(builds)-1], "record.json")), &record); err != nil {
		t.Fatal(err)
	}
	return record
}
