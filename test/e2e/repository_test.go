//go:build stack

package e2e

// Repositories to build, and the records of their builds.

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// files are the files of a repository by path. A path that ends in @, as ls -F prints
// it, is that of a symbolic link, whose content is the target.
type files map[string]string

// hello builds a minimal image.
var hello = files{"Dockerfile": "FROM scratch\nCOPY hello /hello\n", "hello": "hello\n"}

// repository creates a repository with one commit and returns its id.
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

// prepare creates a repository and sends the parameters to the server to build it as
// the image sbs/<name>. It returns the commit id.
func (env *environment) prepare(t testing.TB, name string, content files, changes map[string]any) (commit string) {
	t.Helper()
	commit = env.repository(t, name+".git", content)
	env.Initialise(t, name, changes)
	return commit
}

// builds returns the folders of all builds on the data volume, oldest first.
func (env *environment) builds(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(env.Server.Volume(), "builds", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found // in the order of their names, which are times
}

// record returns the record of the latest build from the data volume.
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
