package gitfolder

// A repository made of single objects.

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Repository is a repository in memory whose objects, pack and index a test
// chooses one by one, so that it can have any defect.
type Repository struct {
	t       testing.TB
	objects *memory.Storage
	IDs     []plumbing.Hash // of the objects that go into the pack
	Indexed []*index.Entry  // entries of its file index
}

// New returns an empty repository.
func New(t testing.TB) *Repository {
	return &Repository{t: t, objects: memory.NewStorage()}
}

func (r *Repository) store(kind plumbing.ObjectType, encode func(plumbing.EncodedObject) error) plumbing.Hash {
	r.t.Helper()
	o := r.objects.NewEncodedObject()
	o.SetType(kind)
	if err := encode(o); err != nil {
		r.t.Fatal(err)
	}
	id, err := r.objects.SetEncodedObject(o)
	if err != nil {
		r.t.Fatal(err)
	}
	if !slices.Contains(r.IDs, id) {
		r.IDs = append(r.IDs, id)
	}
	return id
}

// Blob stores the content of a file or link.
func (r *Repository) Blob(content string) plumbing.Hash {
	return r.store(plumbing.BlobObject, func(o plumbing.EncodedObject) error {
		w, err := o.Writer()
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, content)
		return err
	})
}

// Tree stores a tree. The entries must be in Git's order.
func (r *Repository) Tree(entries ...gitobject.TreeEntry) plumbing.Hash {
	return r.store(plumbing.TreeObject, (&gitobject.Tree{Entries: entries}).Encode)
}

// Commit stores a commit.
func (r *Repository) Commit(message string, tree plumbing.Hash, parents ...plumbing.Hash) plumbing.Hash {
	c := &gitobject.Commit{Message: message, TreeHash: tree, ParentHashes: parents}
	return r.store(plumbing.CommitObject, c.Encode)
}

// Tag stores an annotated tag.
func (r *Repository) Tag(name string, target plumbing.Hash, kind plumbing.ObjectType) plumbing.Hash {
	tag := &gitobject.Tag{Name: name, Message: name + "\n", Target: target, TargetType: kind}
	return r.store(plumbing.TagObject, tag.Encode)
}

// Drop excludes an object from the pack.
func (r *Repository) Drop(id plumbing.Hash) {
	r.IDs = slices.DeleteFunc(r.IDs, func(other plumbing.Hash) bool { return other == id })
}

// AddToIndex adds a line into the file index.
func (r *Repository) AddToIndex(name string, id plumbing.Hash, mode filemode.FileMode) {
	r.Indexed = append(r.Indexed, &index.Entry{Name: name, Hash: id, Mode: mode})
}

// Member is a file, folder or link of the manifest's archive.
type Member struct {
	Kind    byte // a type flag of package tar
	Mode    int64
	Content string // or the target of a link
}

// File returns a file that is not executable.
func File(content string) Member { return Member{tar.TypeReg, 0o644, content} }

// Folder returns an empty folder.
func Folder() Member { return Member{tar.TypeDir, 0o755, ""} }

// Members are the members of the git/ folder, by their paths below it.
type Members map[string]Member

// GitFolder adds the Git folder of the repository, with this configuration, HEAD
// and list of shallow commits, at the path git.
func (r *Repository) GitFolder(m Members, git, config, head string, shallow ...plumbing.Hash) {
	r.t.Helper()
	pack, index := r.Pack(0)
	sum := fmt.Sprintf("%x", pack[len(pack)-20:])
	m[git], m[git+"/refs"], m[git+"/objects/pack"] = Folder(), Folder(), Folder()
	m[git+"/objects/pack/pack-"+sum+".pack"] = File(pack)
	m[git+"/objects/pack/pack-"+sum+".idx"] = File(index)
	m[git+"/config"] = File(config)
	m[git+"/HEAD"] = File(head)
	m[git+"/index"] = File(r.FileIndex())
	var cut strings.Builder
	for _, id := range shallow {
		fmt.Fprintln(&cut, id)
	}
	if cut.Len() > 0 {
		m[git+"/shallow"] = File(cut.String())
	}
}

// Pack returns a pack of the objects IDs and its index. window is the number of
// objects that are tried as a base of a delta; 0 makes no deltas.
func (r *Repository) Pack(window uint) (pack, index string) {
	r.t.Helper()
	var packed, indexed bytes.Buffer
	if _, err := packfile.NewEncoder(&packed, r.objects, false).Encode(r.IDs, window); err != nil {
		r.t.Fatal(err)
	}
	writer := new(idxfile.Writer)
	parser, err := packfile.NewParser(packfile.NewScanner(bytes.NewReader(packed.Bytes())), writer)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := parser.Parse(); err != nil {
		r.t.Fatal(err)
	}
	made, err := writer.Index()
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := idxfile.NewEncoder(&indexed).Encode(made); err != nil {
		r.t.Fatal(err)
	}
	return packed.String(), indexed.String()
}

// FileIndex returns the file index (.git/index) with the entries of Indexed.
func (r *Repository) FileIndex() string {
	r.t.Helper()
	var staged bytes.Buffer
	if err := index.NewEncoder(&staged).Encode(&index.Index{Version: 2, Entries: r.Indexed}); err != nil {
		r.t.Fatal(err)
	}
	return staged.String()
}
