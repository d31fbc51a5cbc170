package sourcecheck

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/opensbs/sbs/test/gitfolder"
)

// tagged is a clone of one commit with a tag of a tag of it in its pack; refs are
// its references, HEAD apart.
func tagged(t *testing.T, refs func(head, inner, outer plumbing.Hash) map[string]string) (gitfolder.Members, [3]plumbing.Hash) {
	t.Helper()
	r := gitfolder.New(t)
	blob := r.Blob("text\n")
	r.AddToIndex("f", blob, filemode.Regular)
	head := r.Commit("tagged\n", r.Tree(gitobject.TreeEntry{Name: "f", Mode: filemode.Regular, Hash: blob}))
	inner := r.Tag("v1", head, plumbing.CommitObject)
	outer := r.Tag("v1-signed", inner, plumbing.TagObject)
	m := gitfolder.Members{"f": gitfolder.File("text\n")}
	references := refs(head, inner, outer)
	if _, ok := references["refs/tags/v1-signed"]; !ok {
		r.Drop(outer)
	}
	if references["refs/tags/v1"] == head.String()+"\n" {
		r.Drop(inner)
	}
	r.GitFolder(m, ".git", gitfolder.PlainConfig, head.String()+"\n")
	for name, text := range references {
		m[".git/"+name] = gitfolder.File(text)
	}
	return m, [3]plumbing.Hash{head, inner, outer}
}

func TestTag(t *testing.T) {
	for name, test := range map[string]struct {
		refs func(head, inner, outer plumbing.Hash) map[string]string
		want func(ids [3]plumbing.Hash) Tag
	}{
		"lightweight": {
			func(head, _, _ plumbing.Hash) map[string]string {
				return map[string]string{"refs/tags/v1": head.String() + "\n"}
			},
			func([3]plumbing.Hash) Tag { return Tag{Name: "v1"} },
		},
		"annotated": {
			func(_, inner, _ plumbing.Hash) map[string]string {
				return map[string]string{"refs/tags/a/b": inner.String() + "\n"}
			},
			func(ids [3]plumbing.Hash) Tag { return Tag{"a/b", ids[1].String(), "v1"} },
		},
		"tag of a tag": {
			func(_, _, outer plumbing.Hash) map[string]string {
				return map[string]string{"refs/tags/v1-signed": outer.String() + "\n"}
			},
			func(ids [3]plumbing.Hash) Tag { return Tag{"v1-signed", ids[2].String(), "v1-signed"} },
		},
	} {
		m, ids := tagged(t, test.refs)
		got, err := check(t, m)
		if err != nil || got.Tag != test.want(ids) || got.Commit != ids[0].String() {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestTagTampered(t *testing.T) {
	for name, test := range map[string]struct {
		refs func(head, inner, outer plumbing.Hash) map[string]string
		says string
	}{
		"no reference": {func(_, _, _ plumbing.Hash) map[string]string { return nil }, "does not lead to the tag"},
		"two references": {func(head, inner, _ plumbing.Hash) map[string]string {
			return map[string]string{"refs/tags/v1": inner.String() + "\n", "refs/tags/v2": head.String() + "\n"}
		}, `".git/refs/tags/v2" is a second tag`},
		"to another object": {func(_, _, _ plumbing.Hash) map[string]string {
			return map[string]string{"refs/tags/v1": strings.Repeat("1", 40) + "\n"}
		}, "no object has the id 1111"},
		"to no object": {func(_, _, _ plumbing.Hash) map[string]string { return map[string]string{"refs/tags/v1": "ref: HEAD\n"} }, "is no commit id"},
		"a tag more": {func(_, inner, _ plumbing.Hash) map[string]string {
			return map[string]string{"refs/tags/v1-signed": inner.String() + "\n"}
		}, "does not lead to the tag"},
	} {
		m, _ := tagged(t, test.refs)
		if got, err := check(t, m); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %+v, %v, want an error with %q", name, got, err, test.says)
		}
	}
}

// A tag in addition to a branch is more than a clone needs, as is one of a submodule.
func TestTagsElsewhere(t *testing.T) {
	for _, name := range []string{".git/refs/tags/x", ".git/modules/lib/refs/tags/x"} {
		s := gitfolder.NewSample(t)
		id := s.Head
		if strings.Contains(name, "lib") {
			id = s.Inner
		}
		s.Members[name] = gitfolder.File(id.String() + "\n")
		if got, err := check(t, s.Members); err == nil || !strings.Contains(err.Error(), "is nothing that a clone needs") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// The commit that a tag leads to is the one of HEAD.
func TestTagOfAnotherCommit(t *testing.T) {
	r := gitfolder.New(t)
	blob := r.Blob("text\n")
	r.AddToIndex("f", blob, filemode.Regular)
	tree := r.Tree(gitobject.TreeEntry{Name: "f", Mode: filemode.Regular, Hash: blob})
	before := r.Commit("before\n", tree)
	head := r.Commit("head\n", tree, before)
	tag := r.Tag("v1", before, plumbing.CommitObject)
	m := gitfolder.Members{"f": gitfolder.File("text\n")}
	r.GitFolder(m, ".git", gitfolder.PlainConfig, head.String()+"\n")
	m[".git/refs/tags/v1"] = gitfolder.File(tag.String() + "\n")
	if got, err := check(t, m); err == nil || !strings.Contains(err.Error(), "does not lead to the commit "+head.String()) {
		t.Errorf("got %+v, %v", got, err)
	}
}
