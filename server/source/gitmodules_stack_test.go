//go:build stack

package source

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// What .gitmodules holds leads to the submodules that git clones, and nothing
// to those that it leaves empty.
func TestSubmodulesAsGitClonesThem(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	one := s.create(t, "1.git", map[string]gitserver.File{"one": {Content: "1\n"}})
	s.create(t, "2.git", map[string]gitserver.File{"two": {Content: "2\n"}})
	for i, test := range []struct {
		text  string
		empty bool // git leaves it so
	}{
		{"[submodule \"a\"]\npath = sub\nurl = ../2.git\n[submodule \"b\"]\npath = sub\nurl = ../1.git\n", false},
		{"[submodule \"a\"]\npath = sub\nurl = ../2.git\n[submodule \"a\"]\nurl = ../1.git\n", false},
		{"[submodule \"x\"]\nurl = ../2.git\n[submodule \"y\"]\nurl = ../2.git\n[submodule \"a\"]\npath = sub\nurl = ../1.git\n", false},
		{"\ufeff[submodule \"a\"]\npath = sub\nurl = ../1.git\n", false},
		{"[submodule \"a\"] path = sub\nurl = ../1.git\n", false},
		{"[submodule \"a\"]\npath = sub\nurl = ../\\\n1.git\n", false},
		{"[submodule \"a\\\\b\"]\npath = sub\nurl = ../1.git\n", false},
		{"[submodule.A]\nPath = sub\nURL = ../1.git\n", false},
		{"[submodule \"a\"]\npath = sub\nurl = ../1.git\nupdate = checkout\n", false},
		{"[submodule \"a\"]\npath = sub\nurl = ../1.git\nupdate = rebase\n", false},
		{"[submodule \"a\"]\npath = sub\nurl = ../1.git\nupdate = merge\n", false},
		{"[submodule \"a\"]\npath = sub\nurl = ../1.git\nupdate = none\n", true},
		{"[submodule \"a\"]\npath = sub\nurl = ../not-there.git\nupdate = none\n", true},
		{"[submodule \"a\"]\npath = sub\nurl = ../1.git\nupdate = none\nupdate = checkout\n", false},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			name := fmt.Sprintf("top-%d.git", i)
			head := s.create(t, name, map[string]gitserver.File{
				".gitmodules": {Content: test.text}, "sub": {Mode: gitserver.Submodule, Content: one}, "top.txt": {Content: "top\n"},
			})
			request := s.ssh(name)
			request.Submodules = true
			dir := filepath.Join(t.TempDir(), "tree")
			var log bytes.Buffer
			checkout, err := Clone(t.Context(), request, dir, &log)
			if err != nil {
				t.Fatal(err)
			}
			expected := s.gitClone(t, name, "--recurse-submodules")
			if paths := differing(worktree(t, dir), worktree(t, expected)); len(paths) > 0 {
				t.Errorf("git clones something else at %q", paths)
			}
			audit(t, dir, head)
			if warned := strings.Contains(log.String(), `submodule "sub" is left empty: .gitmodules has update = none for it`); warned != test.empty || test.empty != (len(checkout.Submodules) == 0) {
				t.Errorf("%d submodules, and the log\n%s", len(checkout.Submodules), &log)
			}
		})
	}
}

// What git refuses is refused.
func TestSubmodulesThatGitRefuses(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	inner := s.create(t, "1.git", sample("one"))
	const sound = "[submodule \"a\"]\npath = sub\nurl = ../1.git\n"
	for i, text := range []string{
		sound + "update = !touch owned\n", sound + "update =\n", sound + "update\n", sound + "update = Checkout\n", sound + "[submodule \"other\"]\nupdate = !touch owned\n",
		sound + "shallow = maybe\n", sound + "fetchRecurseSubmodules = maybe\n", sound + "url = \"../1.git\n", sound + "url = \\x\n", sound + "[submodule \"b\n", "\xef\xbb" + sound,
	} {
		name := fmt.Sprintf("top-%d.git", i)
		s.create(t, name, map[string]gitserver.File{".gitmodules": {Content: text}, "sub": {Mode: gitserver.Submodule, Content: inner}})
		request := s.ssh(name)
		request.Submodules = true
		if err := refuse(t, request); !strings.Contains(err.Error(), ".gitmodules: ") {
			t.Errorf("%q: got %v", text, err)
		}
		_, err := gitserver.Git(t.Context(), t.TempDir(), strings.NewReader(""), "-c", "protocol.file.allow=always", "clone", "--recurse-submodules", "file://"+filepath.Join(s.root, name), "git")
		if err == nil {
			t.Errorf("%q: git takes it", text)
		}
	}
}
