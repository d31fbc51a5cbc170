//go:build stack

package source

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// gitClone lets the real git clone a repository of the server, to compare with
// what its work tree is.
func (s stack) gitClone(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "git")
	arguments = append([]string{"-c", "protocol.file.allow=always", "clone", "--quiet"}, arguments...)
	git(t, t.TempDir(), "", append(arguments, "file://"+filepath.Join(s.root, name), dir)...)
	return dir
}

// worktree is a snapshot without Git folders.
func worktree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := snapshot(t, dir)
	maps.DeleteFunc(found, func(path, _ string) bool {
		return path == "." || path == ".git" || strings.HasPrefix(path, ".git/") || filepath.Base(path) == ".git"
	})
	return found
}

// Trees of which git makes something else than their modes say, or nothing.
func TestTreesAsGitChecksThemOut(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	blob := s.git(t, "one.git", "#!/bin/sh\n", "hash-object", "-w", "--stdin")
	none := s.rawTree(t, "one.git")
	nested := s.rawTree(t, "one.git", [3]string{"40000", "a", none}, [3]string{"40000", "b", s.rawTree(t, "one.git", [3]string{"40000", "c", none})})
	deep := s.rawTree(t, "one.git", [3]string{"40000", "empty", nested}, [3]string{"100644", "file", blob})
	for name, entries := range map[string][][3]string{
		"modes": {
			{"100400", "400", blob}, {"100600", "600", blob}, {"100640", "640", blob}, {"100644", "644", blob}, {"100645", "645", blob},
			{"100654", "654", blob}, {"100655", "655", blob}, {"100664", "664", blob}, {"100677", "677", blob}, {"100700", "700", blob},
			{"100744", "744", blob}, {"100755", "755", blob}, {"100777", "777", blob}, {"104755", "setuid", blob}, {"0100644", "zero", blob},
		},
		"empty folders":            {{"40000", "empty", none}, {"100644", "file", blob}, {"40000", "nested", nested}, {"40000", "z", deep}},
		"nothing but empty folder": {{"40000", "nested", nested}},
		"nothing":                  {},
		"backslashes": {
			{"100644", `\`, blob}, {"100644", `\x`, blob}, {"100644", `a\`, blob}, {"100644", `a\b`, blob}, {"100644", `run-kata\x2dpods.mount`, blob},
			{"40000", `sub\`, deep},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.point(t, "one.git", s.rawTree(t, "one.git", entries...))
			dir, checkout := clone(t, s.ssh("one.git"))
			expected := s.gitClone(t, "one.git")
			if paths := differing(worktree(t, dir), worktree(t, expected)); len(paths) > 0 {
				t.Errorf("git checks out something else at %q", paths)
			}
			for _, arguments := range [][]string{{"status", "--short"}, {"ls-files", "--stage"}} {
				if got, want := git(t, dir, "", arguments...), git(t, expected, "", arguments...); got != want {
					t.Errorf("git %s: %q, in git's own clone %q", arguments, got, want)
				}
			}
			if got := git(t, dir, "", "rev-parse", "HEAD"); got != checkout.Commit {
				t.Errorf("HEAD is %s", got)
			}
		})
	}
}
