//go:build stack

package repositories

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

type files = map[string]gitserver.File

func text(content string) gitserver.File { return gitserver.File{Content: content} }

// minimal is the smallest Dockerfile that builds.
const minimal = "FROM scratch\nCOPY Dockerfile /\n"

// result is the final status of a build, and its log.
type result struct {
	api.Status
	log string
}

func (r result) succeeded() bool { return r.Status.Status == api.StatusSuccess }

// repository is a bare repository that objects are written to.
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

// commit sets main to a new commit of a tree, with additional lines in its header, and
// returns its id.
func (r repository) commit(tree, header, message string) string {
	r.t.Helper()
	return r.rawCommit("tree " + tree + "\nauthor " + author + "\ncommitter " + author + "\n" + header + "\n" + message)
}

// rawCommit sets main to a new commit object and returns its id.
func (r repository) rawCommit(content string) string {
	r.t.Helper()
	id := r.object("commit", content)
	if err := os.WriteFile(filepath.Join(r.folder, "refs/heads/main"), []byte(id+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return id
}

// add sets main to a commit of files that git makes, and returns its id.
func (r repository) add(content files) string {
	r.t.Helper()
	id, err := gitserver.Commit(r.t.Context(), r.env.GitRoot, r.name+".git", gitserver.Change{Files: content})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// build builds a repository and checks that nothing of it remains.
func (env *environment) build(t testing.TB, name string, changes map[string]any) result {
	t.Helper()
	env.Initialise(t, name, changes)
	env.StartBuild(t)
	r := env.follow(t)
	env.NothingLeft(t, env.ImageOf(name))
	return r
}

// follow waits for the end of the build and returns its result.
func (env *environment) follow(t testing.TB) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	status, err := env.Client.Events(ctx, func(api.Event) error { return nil })
	if err != nil {
		t.Fatalf("follow the build: %v", err)
	}
	var log strings.Builder
	if err := env.Client.Log(ctx, api.BuildLog, &log); err != nil {
		t.Fatal(err)
	}
	return result{status, log.String()}
}

// mustFail checks that the build failed, with the cause in its status and its log.
func (r result) mustFail(t testing.TB, cause string) {
	t.Helper()
	if !api.Failed(r.Status.Status) || !strings.Contains(r.Cause, cause) || !strings.Contains(r.log, cause) {
		t.Errorf("%q (%s), want the cause %q; the log:\n%s", r.Status.Status, r.Cause, cause, tail(r.log))
	}
}

// mustSucceed checks that the build succeeded.
func (r result) mustSucceed(t testing.TB) {
	t.Helper()
	if !r.succeeded() {
		t.Errorf("%q (%s), want success; the log:\n%s", r.Status.Status, r.Cause, tail(r.log))
	}
}

func tail(text string) string { return text[max(0, len(text)-4000):] }

// memory returns a value of the server's /proc/PID/status, such as VmHWM, in bytes.
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
