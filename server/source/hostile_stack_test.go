//go:build stack

package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// rawTree stores a tree as it is written here, which git mktree would refuse.
func (s stack) rawTree(t *testing.T, name string, entries ...[3]string) string {
	t.Helper()
	var raw strings.Builder
	for _, entry := range entries {
		id := entry[2]
		fmt.Fprintf(&raw, "%s %s\x00", entry[0], entry[1])
		for i := 0; i < len(id); i += 2 {
			var b byte
			if _, err := fmt.Sscanf(id[i:i+2], "%02x", &b); err != nil {
				t.Fatal(err)
			}
			raw.WriteByte(b)
		}
	}
	return s.git(t, name, raw.String(), "hash-object", "--literally", "-t", "tree", "-w", "--stdin")
}

// point makes main a commit of a tree.
func (s stack) point(t *testing.T, name, tree string) {
	t.Helper()
	commit := s.git(t, name, "", "commit-tree", "-m", "hostile", tree)
	s.git(t, name, "", "update-ref", "refs/heads/main", commit)
}

func TestHostileTrees(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	blob := s.git(t, "one.git", "owned", "hash-object", "-w", "--stdin")
	target := s.git(t, "one.git", "..", "hash-object", "-w", "--stdin")
	sub := s.rawTree(t, "one.git", [3]string{"100644", "owned", blob})
	up := s.rawTree(t, "one.git", [3]string{"40000", "..", sub})
	empty := s.git(t, "one.git", "", "hash-object", "-w", "--stdin")
	trees := map[string][][3]string{
		"dot dot":                  {{"40000", "..", sub}},
		"dot dot below":            {{"40000", "a", up}},
		"dot":                      {{"40000", ".", sub}},
		"absolute":                 {{"100644", "/tmp/owned", blob}},
		"slash":                    {{"100644", "a/b", blob}},
		"backslash, .git":          {{"100644", `a\.git\hooks`, blob}},
		"backslash, dot dot":       {{"100644", `..\a`, blob}},
		"linked .gitmodules":       {{"120000", ".gitmodules", target}},
		"linked gitmod~1":          {{"120000", "GITMOD~1", target}},
		"linked .gitmodules, deep": {{"40000", "a", s.rawTree(t, "one.git", [3]string{"120000", ".gitModules", target})}},
		"submodule of id zero":     {{"160000", "a", strings.Repeat("0", 40)}},
		".git":                     {{"40000", ".git", sub}},
		".GiT":                     {{"40000", ".GiT", sub}},
		"git~1":                    {{"40000", "GIT~1", sub}},
		".git with space":          {{"40000", ".git . ", sub}},
		".git stream":              {{"40000", ".git::$INDEX_ALLOCATION", sub}},
		".git of HFS":              {{"40000", ".g\u200cit", sub}},
		".git as file":             {{"100644", ".git", blob}},
		".git as link":             {{"120000", ".git", target}},
		"link, then folder":        {{"120000", "a", target}, {"40000", "a", sub}},
		"twice":                    {{"100644", "a", blob}, {"100644", "a", blob}},
		"out of order":             {{"100644", "b", blob}, {"100644", "a", blob}},
		"empty link":               {{"120000", "a", empty}},
		"blob that is a folder":    {{"100644", "a", sub}},
	}
	for name, entries := range trees {
		t.Run(name, func(t *testing.T) {
			s.point(t, "one.git", s.rawTree(t, "one.git", entries...))
			err := refuse(t, s.ssh("one.git"))
			var tree *gitstore.TreeError
			if !errors.As(err, &tree) && !strings.Contains(err.Error(), "is needed") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A link out of the tree stays a link, and nothing is written where it points.
func TestLinkOutOfTree(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	outside := t.TempDir()
	commit := s.create(t, "one.git", map[string]gitserver.File{
		"a":      {Mode: gitserver.Symlink, Content: outside},
		"a-file": {Content: "text"},
		"b/c":    {Mode: gitserver.Symlink, Content: "../../../.."},
	})
	dir, _ := clone(t, s.ssh("one.git"))
	audit(t, dir, commit)
	if target, err := os.Readlink(filepath.Join(dir, "a")); err != nil || target != outside {
		t.Errorf("the link is %q, %v", target, err)
	}
	if found := snapshot(t, outside); len(found) != 1 {
		t.Errorf("outside are %d files", len(found))
	}
}

// A few objects that mean many files, and one blob that means many bytes: 100 MB
// in all, so that a broken bound fails the test and not the machine.
func TestBombs(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	big := s.git(t, "one.git", strings.Repeat("0", 100<<10), "hash-object", "-w", "--stdin")
	tree := s.rawTree(t, "one.git", [3]string{"100644", "f", big})
	for range 3 {
		var entries [][3]string
		for i := range 10 {
			entries = append(entries, [3]string{"40000", fmt.Sprint("d", i), tree})
		}
		tree = s.rawTree(t, "one.git", entries...)
	}
	s.point(t, "one.git", tree)
	for name, limits := range map[string]*limits{
		"files and folders":      newLimits(1000, 1000, 1<<40),
		"bytes in the work tree": newLimits(1<<30, 1000, 20<<20),
		"bytes of content":       newLimits(1<<30, 1000, 1<<10),
		"Git objects":            newLimits(1<<30, 3, 1<<40),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := newCloner(s.ssh("one.git"), nil)
			if err != nil {
				t.Fatal(err)
			}
			c.left = limits
			dir := filepath.Join(t.TempDir(), "tree")
			_, err = c.clone(t.Context(), dir)
			var limit *gitstore.LimitError
			if !errors.As(err, &limit) || limit.What != name {
				t.Errorf("got %v", err)
			}
			if _, err := os.Lstat(dir); !os.IsNotExist(err) {
				t.Errorf("the folder was left over: %v", err)
			}
		})
	}
}

func TestDeepFolders(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	const deepest = 200 // folders within folders, for package gitstore
	s.create(t, "one.git", map[string]gitserver.File{strings.Repeat("d/", deepest+1) + "f": {}})
	var limit *gitstore.LimitError
	if err := refuse(t, s.ssh("one.git")); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
	s.create(t, "two.git", map[string]gitserver.File{strings.Repeat("d/", deepest) + "f": {}})
	clone(t, s.ssh("two.git"))
}
