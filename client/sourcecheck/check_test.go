package sourcecheck

import (
	"archive/tar"
	"context"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/opensbs/sbs/test/gitfolder"
)

// check adds all members, in the order of their names, and checks them.
func check(t *testing.T, m gitfolder.Members) (Result, error) {
	t.Helper()
	f, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(m)) {
		one := m[name]
		header := &tar.Header{Typeflag: one.Kind, Mode: one.Mode}
		content := one.Content
		if one.Kind == tar.TypeSymlink {
			header.Linkname, content = content, ""
		}
		header.Size = int64(len(content))
		if err := f.Add(t.Context(), name, header, strings.NewReader(content)); err != nil {
			return Result{}, err
		}
	}
	return f.Check(t.Context())
}

func TestCheckAccepts(t *testing.T) {
	s := gitfolder.NewSample(t)
	got, err := check(t, s.Members)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Commit: s.Head.String(),
		Submodules: []Submodule{
			{"absent", strings.Repeat("0a", 20), false},
			{"lib", s.Inner.String(), true},
			{"lib/sub", got.Submodules[2].Commit, true},
		},
		Files:   7,
		Objects: 8 + 3 + 3,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTampered(t *testing.T) {
	for name, test := range map[string]struct {
		tamper func(s gitfolder.Sample)
		says   string
	}{
		"a byte of a file":             {func(s gitfolder.Sample) { s.Members.FlipBit("Dockerfile", 3) }, `"Dockerfile" is not what the commit has`},
		"a byte of a submodule's file": {func(s gitfolder.Sample) { s.Members.FlipBit("lib/sub/deep", 0) }, `submodule "lib/sub": "lib/sub/deep" is not`},
		"a file more":                  {func(s gitfolder.Sample) { s.Members["a/more"] = gitfolder.File("") }, `"a/more" is among the files, but not in the commit`},
		"a folder more":                {func(s gitfolder.Sample) { s.Members["empty"] = gitfolder.Folder() }, `"empty" is among the files`},
		"a file less":                  {func(s gitfolder.Sample) { delete(s.Members, "a/same") }, `"a/same" is in the commit, but not`},
		"a mode":                       {func(s gitfolder.Sample) { s.Members["run.sh"] = gitfolder.File("#!/bin/sh\n") }, `"run.sh" is of the mode`},
		"a strange mode": {func(s gitfolder.Sample) {
			s.Members["run.sh"] = gitfolder.Member{Kind: tar.TypeReg, Mode: 0o4755, Content: "#!/bin/sh\n"}
		}, "run.sh has the mode 4755"},
		"a link that is a file": {func(s gitfolder.Sample) { s.Members["link"] = gitfolder.File("../outside") }, `"link" is of the mode`},
		"a link to elsewhere": {func(s gitfolder.Sample) {
			s.Members["link"] = gitfolder.Member{Kind: tar.TypeSymlink, Mode: 0o777, Content: "../etc"}
		}, `"link" is not what`},
		"a hard link": {func(s gitfolder.Sample) {
			s.Members["run.sh"] = gitfolder.Member{Kind: tar.TypeLink, Mode: 0o755, Content: ""}
		}, "run.sh is neither file"},
		"a link in the Git folder": {func(s gitfolder.Sample) {
			s.Members[".git/HEAD"] = gitfolder.Member{Kind: tar.TypeSymlink, Mode: 0o777, Content: "x"}
		}, ".git/HEAD is neither file nor folder"},
		"a path that leads out":    {func(s gitfolder.Sample) { s.Members["../x"] = gitfolder.File("") }, `"../x" can't be one of a clone`},
		"an absolute path":         {func(s gitfolder.Sample) { s.Members["/x"] = gitfolder.File("") }, `"/x" can't be one of a clone`},
		"a path that is not clean": {func(s gitfolder.Sample) { s.Members["a//x"] = gitfolder.File("") }, `"a//x" can't be`},

		"a byte of an object": {func(s gitfolder.Sample) {
			s.Members.FlipBit(s.Pack(".git")+".pack", 30)
		}, ".pack: "},
		"the pack's checksum": {func(s gitfolder.Sample) { s.Members.FlipBit(s.Pack(".git")+".pack", -1) }, ".pack: "},
		"something after the pack": {func(s gitfolder.Sample) {
			stem := s.Pack(".git")
			s.Members[stem+".pack"] = gitfolder.File(s.Members[stem+".pack"].Content + strings.Repeat("x", 20))
		}, "it continues after its end"},
		"a byte of the pack's index": {func(s gitfolder.Sample) { s.Members.FlipBit(s.Pack(".git")+".idx", 1100) }, ".idx is not the index of its pack"},
		"no pack's index":            {func(s gitfolder.Sample) { delete(s.Members, s.Pack(".git")+".idx") }, ".idx is not the index of its pack"},
		"a pack of another name": {func(s gitfolder.Sample) {
			stem := s.Pack(".git")
			s.Members[".git/objects/pack/pack-"+strings.Repeat("0", 40)+".pack"] = s.Members[stem+".pack"]
			delete(s.Members, stem+".pack")
		}, "has the checksum"},
		"no pack": {func(s gitfolder.Sample) { delete(s.Members, s.Pack(".git")+".pack") }, ".git has no pack"},
		"two packs": {func(s gitfolder.Sample) {
			maps.Copy(s.Members, gitfolder.Members{".git/objects/pack/pack-0.pack": s.Members[s.Pack(".git/modules/lib")+".pack"]})
		}, "more than one pack"},
		"a pack where none belongs": {func(s gitfolder.Sample) {
			s.Members[".git/objects/more/pack-0.pack"] = s.Members[s.Pack(".git/modules/lib")+".pack"]
		}, "is nothing that a clone needs"},
		"an object that nothing leads to": {func(s gitfolder.Sample) {
			s.Main.Blob("smuggled\n")
			s.Repack(s.Head.String() + "\n")
			delete(s.Members, ".git/refs/heads/feature/index")
		}, "does not lead to the blob"},
		"an object that is missing": {func(s gitfolder.Sample) {
			s.Main.IDs = s.Main.IDs[1:]
			s.Repack("ref: refs/heads/feature/index\n")
		}, `"Dockerfile": no object has the id`},
		"history without its end": {func(s gitfolder.Sample) { delete(s.Members, ".git/shallow") }, "where a commit is needed"},
		"another commit of the same files": {func(s gitfolder.Sample) {
			other := s.Main.Commit("other\n", s.Root)
			s.Repack(other.String() + "\n")
		}, "does not lead to the commit"},
		"a tree with another content": {func(s gitfolder.Sample) {
			id := s.Main.Blob("evil\n")
			tree := s.Main.Tree(gitobject.TreeEntry{Name: "Dockerfile", Mode: filemode.Regular, Hash: id})
			s.Main.IDs = nil
			s.Main.Blob("evil\n")
			s.Main.Tree(gitobject.TreeEntry{Name: "Dockerfile", Mode: filemode.Regular, Hash: id})
			s.Repack(s.Main.Commit("head\n", tree).String() + "\n")
		}, `"Dockerfile" is not what the commit has`},

		"HEAD is missing":               {func(s gitfolder.Sample) { delete(s.Members, ".git/HEAD") }, ".git has no HEAD"},
		"HEAD is nonsense":              {func(s gitfolder.Sample) { s.Members[".git/HEAD"] = gitfolder.File("main\n") }, `"main\n" is no commit id`},
		"HEAD leads out":                {func(s gitfolder.Sample) { s.Members[".git/HEAD"] = gitfolder.File("ref: refs/heads/../../config\n") }, "HEAD leads to"},
		"HEAD leads nowhere":            {func(s gitfolder.Sample) { s.Members[".git/HEAD"] = gitfolder.File("ref: refs/heads/x\n") }, "which is not there"},
		"another branch":                {func(s gitfolder.Sample) { s.Members[".git/refs/heads/x"] = gitfolder.File(s.Head.String() + "\n") }, "is nothing that a clone needs"},
		"a hook":                        {func(s gitfolder.Sample) { s.Members[".git/hooks/pre-commit"] = gitfolder.File("#!/bin/sh\n") }, "is nothing that a clone needs"},
		"attributes besides the commit": {func(s gitfolder.Sample) { s.Members[".git/info/attributes"] = gitfolder.File("* filter=x\n") }, "is nothing that a clone needs"},
		"a setting that runs something": {func(s gitfolder.Sample) {
			s.Members[".git/config"] = gitfolder.File(gitfolder.PlainConfig + "[core]\n\tfsmonitor = /bin/evil\n")
		}, `"core.fsmonitor" is none`},
		"a setting that brings others": {func(s gitfolder.Sample) {
			s.Members[".git/config"] = gitfolder.File(gitfolder.PlainConfig + "[include]\n\tpath = /x\n")
		}, `"include.path" is none`},
		"a work tree elsewhere": {func(s gitfolder.Sample) { s.Members[".git/config"] = gitfolder.File(gitfolder.WorktreeOf("/srv")) }, "its work tree is elsewhere"},
		"modes that do not count": {func(s gitfolder.Sample) {
			s.Members[".git/config"] = gitfolder.File(strings.Replace(gitfolder.PlainConfig, "filemode = true", "filemode = false", 1))
		}, "makes Git ignore"},
		"no settings": {func(s gitfolder.Sample) { delete(s.Members, ".git/config") }, ".git has no config"},
		"an index that hides a file": {func(s gitfolder.Sample) {
			s.Main.Indexed[1].SkipWorktree = true
			var staged strings.Builder
			if err := index.NewEncoder(&staged).Encode(&index.Index{Version: 3, Entries: s.Main.Indexed}); err != nil {
				t.Fatal(err)
			}
			s.Members[".git/index"] = gitfolder.File(staged.String())
		}, `hides "Dockerfile" from git status`},
		"an index that lists another file": {func(s gitfolder.Sample) {
			s.Main.Indexed[1].Hash = s.Main.Indexed[0].Hash
			s.Members[".git/index"] = gitfolder.File(s.Main.FileIndex())
		}, ".git/index does not list the files"},
		"no index": {func(s gitfolder.Sample) { delete(s.Members, ".git/index") }, ".git/index does not list the files"},

		"a submodule's HEAD": {func(s gitfolder.Sample) {
			s.Members[".git/modules/lib/HEAD"] = gitfolder.File(strings.Repeat("1", 40) + "\n")
		}, `submodule "lib": no object has the id 1111`},
		"a submodule's repository elsewhere": {func(s gitfolder.Sample) { s.Members["lib/.git"] = gitfolder.File("gitdir: ../../x\n") }, "its file .git leads to"},
		"a submodule that is not linked":     {func(s gitfolder.Sample) { delete(s.Members, "lib/.git") }, "among the files, but not in the commit"},
		"a folder .git in the work tree":     {func(s gitfolder.Sample) { s.Members["a/.git"] = gitfolder.Folder() }, `"a/.git" is among the files`},
		"files in a submodule not cloned":    {func(s gitfolder.Sample) { s.Members["absent/x"] = gitfolder.File("") }, `"absent/x" is among the files`},
	} {
		t.Run(name, func(t *testing.T) {
			s := gitfolder.NewSample(t)
			test.tamper(s)
			got, err := check(t, s.Members)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %+v, %v, want an error with %q", got, err, test.says)
			}
		})
	}
}

// A submodule whose folder has a commit of its own, whole and sound, that the
// tree around it does not require.
func TestSubmoduleMoved(t *testing.T) {
	s := gitfolder.NewSample(t)
	s.Members["lib/f.h"] = gitfolder.File("int g(void);\n")
	moved := gitfolder.New(t)
	id := moved.Blob("int g(void);\n")
	deep := s.Library.Indexed[1]
	moved.AddToIndex("f.h", id, filemode.Regular)
	moved.AddToIndex("sub", deep.Hash, filemode.Submodule)
	head := moved.Commit("moved\n", moved.Tree(
		gitobject.TreeEntry{Name: "f.h", Mode: filemode.Regular, Hash: id},
		gitobject.TreeEntry{Name: "sub", Mode: filemode.Submodule, Hash: deep.Hash},
	))
	for name := range s.Members {
		if strings.HasPrefix(name, ".git/modules/lib/objects/") {
			delete(s.Members, name)
		}
	}
	moved.GitFolder(s.Members, ".git/modules/lib", gitfolder.WorktreeOf("../../../lib"), head.String()+"\n")
	if _, err := check(t, s.Members); err == nil || !strings.Contains(err.Error(), "the tree around it requires "+s.Inner.String()) {
		t.Error(err)
	}
}

// What another hand may have packed is refused rather than misread.
func TestDeltasAreRefused(t *testing.T) {
	s := gitfolder.NewSample(t)
	long := strings.Repeat("a line of text\n", 200)
	s.Main.Blob(long)
	s.Main.Blob(long + "more\n")
	pack, _ := s.Main.Pack(10)
	stem := s.Pack(".git")
	s.Members[stem+".pack"] = gitfolder.File(pack)
	if _, err := check(t, s.Members); err == nil || !strings.Contains(err.Error(), "delta") {
		t.Error(err)
	}
}

func TestContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	dir := t.TempDir()
	f, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	cancel(gone)
	if err := f.Add(ctx, "file", &tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: 4}, strings.NewReader("text")); !errors.Is(err, gone) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestBounds(t *testing.T) {
	f, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	big := func(name string, size int64) error {
		return f.Add(t.Context(), name, &tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: size}, strings.NewReader(""))
	}
	for name, err := range map[string]error{
		"file":         big("file", maxBytes+1),
		"text of Git":  big(".git/HEAD", maxText+1),
		"length":       big(strings.Repeat("a/", maxPath/2)+"b", 1),
		"a pack bomb":  f.Add(t.Context(), ".git/a.pack", &tar.Header{Typeflag: tar.TypeReg}, strings.NewReader("PACK\x00\x00\x00\x02\xff\xff\xff\xff")),
		"a pack index": f.Add(t.Context(), ".git/a.idx", &tar.Header{Typeflag: tar.TypeReg, Size: maxIndex + 1}, strings.NewReader("\xfftOc")),
		"an index":     f.Add(t.Context(), ".git/index", &tar.Header{Typeflag: tar.TypeReg, Size: maxIndex + 1}, strings.NewReader("DIRC")),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
