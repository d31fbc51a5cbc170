//go:build stack

package repositories

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// patience bounds every wait. It is no measure of speed: it only makes a hanging
// test fail.
const patience = time.Minute

type files = map[string]gitserver.File

func text(content string) gitserver.File { return gitserver.File{Content: content} }

// hello is what a repository needs to be built.
const hello = "FROM scratch\nCOPY Dockerfile /\n"

// result is what was seen of a build.
type result struct {
	api.Status
	log string
}

func (r result) succeeded() bool { return r.Status.Status == api.StatusSuccess }

// repository is a bare repository that objects are written into.
type repository struct {
	t      testing.TB
	env    *environment
	name   string
	folder string
}

func (env *environment) repository(t testing.TB, name string) repository {
	t.Helper()
	if _, err := gitserver.CreateRepository(t.Context(), env.GitRoot, name+".git", nil); err != nil {
		t.Fatal(err)
	}
	return repository{t, env, name, filepath.Join(env.GitRoot, name+".git")}
}

func (r repository) object(kind, content string) string {
	r.t.Helper()
	id, err := gitserver.WriteObject(r.t.Context(), r.folder, kind, content)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func (r repository) blob(content string) string { return r.object("blob", content) }

func (r repository) tree(entries ...gitserver.Entry) string {
	r.t.Helper()
	raw, err := gitserver.Tree(entries...)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.object("tree", raw)
}

const author = "Ada Lovelace <ada@example.com> 1704164645 +0000"

// commit makes main a commit of a tree, with more lines in its head and a text.
func (r repository) commit(tree, head, message string) string {
	r.t.Helper()
	return r.rawCommit("tree " + tree + "\nauthor " + author + "\ncommitter " + author + "\n" + head + "\n" + message)
}

func (r repository) rawCommit(content string) string {
	r.t.Helper()
	id := r.object("commit", content)
	if err := os.WriteFile(filepath.Join(r.folder, "refs/heads/main"), []byte(id+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// add makes main a commit of files that git itself takes.
func (r repository) add(content files) string {
	r.t.Helper()
	id, err := gitserver.Commit(r.t.Context(), r.env.GitRoot, r.name+".git", gitserver.Change{Files: content})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// initialise gives the server the parameters to build a repository.
func (env *environment) initialise(t testing.TB, name string, changes map[string]any) {
	t.Helper()
	if _, err := env.client.Init(t.Context(), env.parameters(t, name, changes)); err != nil {
		t.Fatal(err)
	}
}

// parameters are the body of init to build a repository, with changes.
func (env *environment) parameters(t testing.TB, name string, changes map[string]any) []byte {
	t.Helper()
	given := maps.Clone(env.given)
	given["GITHUB_URL"], given["DOCKER_REPO"] = env.Git.SSHURL(name+".git"), "sbs/"+name
	maps.Copy(given, changes)
	body, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// build builds a repository and looks for what it left.
func (env *environment) build(t testing.TB, name string, changes map[string]any) result {
	t.Helper()
	env.initialise(t, name, changes)
	env.begin(t)
	r := env.follow(t)
	env.nothingLeft(t, name)
	return r
}

// begin starts a build. A test that fails does not leave it to the next one.
func (env *environment) begin(t testing.TB) {
	t.Helper()
	if _, err := env.client.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			_, _ = env.client.Clean(context.WithoutCancel(t.Context())) // the test has failed anyhow
		}
	})
}

func (env *environment) follow(t testing.TB) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status, err := env.client.Events(ctx, func(api.Event) error { return nil })
	if err != nil {
		t.Fatalf("follow the build: %v", err)
	}
	var log strings.Builder
	if err := env.client.Log(ctx, api.BuildLog, &log); err != nil {
		t.Fatal(err)
	}
	return result{status, log.String()}
}

// refused is a build that must fail, and say why in status and log.
func (r result) refused(t testing.TB, why string) {
	t.Helper()
	if !api.Failed(r.Status.Status) || !strings.Contains(r.Cause, why) || !strings.Contains(r.log, why) {
		t.Errorf("%q (%s), want that %q; the log:\n%s", r.Status.Status, r.Cause, why, tail(r.log))
	}
}

// harmless is a build that must succeed.
func (r result) harmless(t testing.TB) {
	t.Helper()
	if !r.succeeded() {
		t.Errorf("%q (%s), want success; the log:\n%s", r.Status.Status, r.Cause, tail(r.log))
	}
}

func tail(text string) string { return text[max(0, len(text)-4000):] }

// nothingLeft looks for images and containers of a build in the engine, and for
// files in the server's scratch space.
func (env *environment) nothingLeft(t testing.TB, name string) {
	t.Helper()
	repository := env.Registry.Address() + "/sbs/" + name
	images, err := env.docker.ImageList(t.Context(), image.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range images {
		for _, tag := range found.RepoTags {
			if strings.HasPrefix(tag, repository+":") {
				t.Errorf("the image %s is left", tag)
			}
		}
	}
	containers, err := env.docker.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range containers {
		if strings.HasPrefix(found.Image, repository) {
			t.Errorf("a container of %s is left", found.Image)
		}
	}
	left, err := os.ReadDir(filepath.Join(env.Server.Volume(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("%s is left in the scratch space", entry.Name())
	}
}

// memory reads a line of the server's /proc/PID/status, such as VmHWM, in bytes.
func (env *environment) memory(t testing.TB, key string) int64 {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(env.Server.PID()), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\n"+key+":")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
