package gitfolder

// A clone with every kind of content.

import (
	"archive/tar"
	"maps"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// PlainConfig is the configuration of a Git folder without submodules.
const PlainConfig = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[remote \"origin\"]\n\turl = https://git.example.com/app.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"

// Sample is a shallow clone of two commits with a folder, a symbolic link, an
// executable file, a submodule that has a submodule, and a submodule that was not
// cloned.
type Sample struct {
	Members
	Main, Library        *Repository
	Head, Inner, Deepest plumbing.Hash // commits of the clone, its submodule and the submodule of that
	Root                 plumbing.Hash // tree of the clone
}

// NewSample returns a Sample.
func NewSample(t testing.TB) Sample {
	t.Helper()
	s := Sample{Members: Members{}, Main: New(t), Library: New(t)}

	deepest := New(t)
	deepID := deepest.Blob("deep\n")
	deepest.AddToIndex("deep", deepID, filemode.Regular)
	s.Deepest = deepest.Commit("deep\n", deepest.Tree(gitobject.TreeEntry{Name: "deep", Mode: filemode.Regular, Hash: deepID}))

	l := s.Library
	header := l.Blob("int f(void);\n")
	l.AddToIndex("f.h", header, filemode.Regular)
	l.AddToIndex("sub", s.Deepest, filemode.Submodule)
	s.Inner = l.Commit("library\n", l.Tree(
		gitobject.TreeEntry{Name: "f.h", Mode: filemode.Regular, Hash: header},
		gitobject.TreeEntry{Name: "sub", Mode: filemode.Submodule, Hash: s.Deepest},
	))

	m := s.Main
	dockerfile, script, target, same := m.Blob("FROM scratch\n"), m.Blob("#!/bin/sh\n"), m.Blob("../outside"), m.Blob("same\n")
	other := plumbing.NewHash(strings.Repeat("0a", 20))
	below := m.Tree(gitobject.TreeEntry{Name: "same", Mode: filemode.Regular, Hash: same})
	s.Root = m.Tree(
		gitobject.TreeEntry{Name: "!first", Mode: filemode.Regular, Hash: same},
		gitobject.TreeEntry{Name: "Dockerfile", Mode: filemode.Regular, Hash: dockerfile},
		gitobject.TreeEntry{Name: "a", Mode: filemode.Dir, Hash: below},
		gitobject.TreeEntry{Name: "absent", Mode: filemode.Submodule, Hash: other},
		gitobject.TreeEntry{Name: "lib", Mode: filemode.Submodule, Hash: s.Inner},
		gitobject.TreeEntry{Name: "link", Mode: filemode.Symlink, Hash: target},
		gitobject.TreeEntry{Name: "run.sh", Mode: filemode.Executable, Hash: script},
	)
	m.AddToIndex("!first", same, filemode.Regular)
	m.AddToIndex("Dockerfile", dockerfile, filemode.Regular)
	m.AddToIndex("a/same", same, filemode.Regular)
	m.AddToIndex("absent", other, filemode.Submodule)
	m.AddToIndex("lib", s.Inner, filemode.Submodule)
	m.AddToIndex("link", target, filemode.Symlink)
	m.AddToIndex("run.sh", script, filemode.Executable)
	before := m.Commit("before\n", below, other)
	s.Head = m.Commit("head\n", s.Root, before)

	m.GitFolder(s.Members, ".git", PlainConfig+"[submodule \"lib\"]\n\tactive = true\n\turl = https://git.example.com/lib.git\n", "ref: refs/heads/feature/index\n", before)
	s.Members[".git/refs/heads/feature/index"] = File(s.Head.String() + "\n")
	l.GitFolder(s.Members, ".git/modules/lib", WorktreeOf("../../../lib"), s.Inner.String()+"\n")
	deepest.GitFolder(s.Members, ".git/modules/lib/modules/x/y", WorktreeOf("../../../../../../lib/sub"), s.Deepest.String()+"\n")
	maps.Copy(s.Members, Members{
		"!first":       File("same\n"),
		"Dockerfile":   File("FROM scratch\n"),
		"a":            Folder(),
		"a/same":       File("same\n"),
		"absent":       Folder(),
		"lib":          Folder(),
		"lib/.git":     File("gitdir: ../.git/modules/lib\n"),
		"lib/f.h":      File("int f(void);\n"),
		"lib/sub":      Folder(),
		"lib/sub/.git": File("gitdir: ../../.git/modules/lib/modules/x/y\n"),
		"lib/sub/deep": File("deep\n"),
		"link":         {tar.TypeSymlink, 0o777, "../outside"},
		"run.sh":       {tar.TypeReg, 0o755, "#!/bin/sh\n"},
	})
	return s
}

// WorktreeOf returns PlainConfig with another work tree.
func WorktreeOf(path string) string {
	return strings.Replace(PlainConfig, "\tbare = false\n", "\tbare = false\n\tworktree = "+path+"\n", 1)
}
