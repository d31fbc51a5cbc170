package sourcecheck

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/opensbs/sbs/test/gitfolder"
)

// A file may be the object that the pointer in the tree names, and nothing
// but that.
func TestLFS(t *testing.T) {
	const object = "the object\n"
	canonical := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sha256.Sum256([]byte(object)), len(object))
	for name, test := range map[string]struct {
		pointer string
		mode    filemode.FileMode
		member  gitfolder.Member
		lfs     int
		says    string
	}{
		"object":                    {canonical, filemode.Regular, gitfolder.File(object), 1, ""},
		"executable object":         {canonical, filemode.Executable, gitfolder.Member{Kind: tar.TypeReg, Mode: 0o755, Content: object}, 1, ""},
		"pointer":                   {canonical, filemode.Regular, gitfolder.File(canonical), 0, ""},
		"another object":            {canonical, filemode.Regular, gitfolder.File("The object\n"), 0, `"f" is not what the commit has`},
		"another mode":              {canonical, filemode.Executable, gitfolder.File(object), 0, `"f" is of the mode`},
		"a pointer of another size": {strings.Replace(canonical, "size 11", "size 12", 1), filemode.Regular, gitfolder.File(object), 0, `"f" is not what the commit has`},
		"a pointer with more in it": {canonical + "x 1\n", filemode.Regular, gitfolder.File(object), 0, `"f" is not what the commit has`},
		"a link":                    {canonical, filemode.Symlink, gitfolder.Member{Kind: tar.TypeSymlink, Mode: 0o777, Content: object}, 0, `"f" is not what the commit has`},
	} {
		r := gitfolder.New(t)
		blob := r.Blob(test.pointer)
		r.AddToIndex("f", blob, test.mode)
		head := r.Commit("lfs\n", r.Tree(gitobject.TreeEntry{Name: "f", Mode: test.mode, Hash: blob}))
		m := gitfolder.Members{"f": test.member}
		r.GitFolder(m, ".git", gitfolder.PlainConfig, head.String()+"\n")
		got, err := check(t, m)
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: got %+v, %v, want an error with %q", name, got, err, test.says)
			}
			continue
		}
		if err != nil || got.LFS != test.lfs || got.Files != 1 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
