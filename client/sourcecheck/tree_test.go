package sourcecheck

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/opensbs/sbs/test/gitfolder"
)

// Only the owner's bit makes a file executable, as in Git's index and work tree.
func TestModesAsGitTakesThem(t *testing.T) {
	for mode, executable := range map[filemode.FileMode]bool{
		0o100600: false, 0o100644: false, 0o100645: false, 0o100655: false, 0o100664: false, 0o100677: false,
		0o100700: true, 0o100744: true, 0o100755: true, 0o100777: true,
	} {
		for _, written := range []int64{0o644, 0o755} {
			m := gitfolder.Members{"f": {Kind: tar.TypeReg, Mode: written, Content: "text\n"}}
			r := gitfolder.New(t)
			blob := r.Blob("text\n")
			listed := filemode.Regular
			if executable {
				listed = filemode.Executable
			}
			r.AddToIndex("f", blob, listed)
			head := r.Commit("modes\n", r.Tree(gitobject.TreeEntry{Name: "f", Mode: mode, Hash: blob}))
			r.GitFolder(m, ".git", gitfolder.PlainConfig, head.String()+"\n")
			_, err := check(t, m)
			if right := executable == (written == 0o755); right && err != nil || !right && (err == nil || !strings.Contains(err.Error(), `"f" is of the mode`)) {
				t.Errorf("%o in the commit, %o among the files: %v", uint32(mode), written, err)
			}
		}
	}
}

// A folder without files makes none.
func TestEmptyFolders(t *testing.T) {
	sample := func() gitfolder.Members {
		r := gitfolder.New(t)
		none := r.Tree()
		nested := r.Tree(gitobject.TreeEntry{Name: "a", Mode: filemode.Dir, Hash: none}, gitobject.TreeEntry{Name: "b", Mode: filemode.Dir, Hash: none})
		blob := r.Blob("text\n")
		r.AddToIndex("d/f", blob, filemode.Regular)
		full := r.Tree(gitobject.TreeEntry{Name: "empty", Mode: filemode.Dir, Hash: nested}, gitobject.TreeEntry{Name: "f", Mode: filemode.Regular, Hash: blob})
		head := r.Commit("empty\n", r.Tree(
			gitobject.TreeEntry{Name: "d", Mode: filemode.Dir, Hash: full},
			gitobject.TreeEntry{Name: "none", Mode: filemode.Dir, Hash: none},
		))
		m := gitfolder.Members{"d": gitfolder.Folder(), "d/f": gitfolder.File("text\n")}
		r.GitFolder(m, ".git", gitfolder.PlainConfig, head.String()+"\n")
		return m
	}
	if _, err := check(t, sample()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"none", "d/empty", "d/empty/a"} {
		m := sample()
		m[name] = gitfolder.Folder()
		if _, err := check(t, m); err == nil || !strings.Contains(err.Error(), `"`+name+`" is among the files, but not in the commit`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Empty folders that are there a thousand million times, in a few objects.
func TestEmptyFoldersAreBounded(t *testing.T) {
	r := gitfolder.New(t)
	tree := r.Tree()
	for range 9 {
		var entries []gitobject.TreeEntry
		for _, name := range strings.Split("abcdefghij", "") {
			entries = append(entries, gitobject.TreeEntry{Name: name, Mode: filemode.Dir, Hash: tree})
		}
		tree = r.Tree(entries...)
	}
	m := gitfolder.Members{}
	r.GitFolder(m, ".git", gitfolder.PlainConfig, r.Commit("many\n", tree).String()+"\n")
	if _, err := check(t, m); err == nil || !strings.Contains(err.Error(), "entries in its trees") {
		t.Errorf("got %v", err)
	}
}

func TestReadTree(t *testing.T) {
	id := strings.Repeat("i", len(plumbing.ZeroHash))
	for _, text := range []string{"100644", "100644 a", "100644 a\x00" + id[1:], "100644 \x00" + id, "1006x4 a\x00" + id, " a\x00" + id} {
		if entries, err := readTree([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, entries)
		}
	}
}
