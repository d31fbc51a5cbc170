package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/panics"
)

// writeContent writes the files of the commit and the pack at once: each is a
// full pass over the content.
func (c *cloner) writeContent(ctx context.Context, n node, got *fetched, kept *closure, files *checkout) error {
	if err := got.store.flush(); err != nil { // from here on it is only read
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		return panics.Catch(func() error { return writePack(ctx, n.git, got.store, got.store.sorted(kept.keep)) })
	})
	work.Go(func() error {
		if err := panics.Catch(func() error { return files.run(ctx, n.worktree, got.commit) }); err != nil {
			return err
		}
		report(c.progress, "checked out %s files at %s", grouped(files.files), got.commit)
		return nil
	})
	return work.Wait()
}

// checkout writes the tree of a commit as files. go-git's own is not used: it
// keeps stat data in the index and writes by path, not within a folder.
type checkout struct {
	dated     bool      // the commit must have a date
	committed time.Time // when it was made, if it must have a date
	store     *objects
	left      *limits
	buffer    []byte
	entries   []*index.Entry
	files     int64
	pointers  []pointerFile            // those of the files that stand for files in Git LFS
	links     map[string]plumbing.Hash // submodules: path → commit
	modules   *plumbing.Hash           // the blob of .gitmodules
}

func newCheckout(store *objects, left *limits) *checkout {
	return &checkout{store: store, left: left, buffer: make([]byte, 64<<10), links: map[string]plumbing.Hash{}}
}

// run writes the tree of a commit into a folder that holds nothing but .git.
func (c *checkout) run(ctx context.Context, worktree *os.Root, commit plumbing.Hash) error {
	place, err := c.store.find(commit, plumbing.CommitObject)
	if err != nil {
		return err
	}
	var decoded gitobject.Commit
	if err := c.store.decode(place, &decoded); err != nil {
		return err
	}
	if c.dated {
		text, err := c.store.content(place)
		if err != nil {
			return err
		}
		if c.committed, err = committedAt(commit.String(), text); err != nil {
			return err
		}
	}
	return c.folder(ctx, &newSubfolder{root: worktree}, decoded.TreeHash, "", 0)
}

// folder writes one tree. Each folder is a root of its own, made new a moment
// ago, so no name can lead out of it, whatever is in the tree.
func (c *checkout) folder(ctx context.Context, into *newSubfolder, tree plumbing.Hash, prefix string, depth int) error {
	if depth > maxFolderDepth {
		return &LimitError{What: "folders within folders", Limit: maxFolderDepth}
	}
	place, err := c.store.find(tree, plumbing.TreeObject)
	if err != nil {
		return err
	}
	entries, err := readTree(c.store, place, nil)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.entry(ctx, into, entry, prefix, depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *checkout) entry(ctx context.Context, into *newSubfolder, entry gitobject.TreeEntry, prefix string, depth int) (err error) {
	path := prefix + entry.Name
	if len(path) > maxPath {
		return &LimitError{What: "bytes in a path", Limit: maxPath}
	}
	if err := c.left.entries.take(1); err != nil {
		return err
	}
	if entry.Mode == filemode.Dir {
		sub := &newSubfolder{parent: into, name: entry.Name}
		defer func() { err = errors.Join(err, sub.close()) }()
		return c.folder(ctx, sub, entry.Hash, path+"/", depth+1)
	}
	root, err := into.open()
	if err != nil {
		return err
	}
	c.note(path, entry.Hash, entry.Mode)
	switch entry.Mode {
	case filemode.Submodule:
		return c.submodule(root, entry, path)
	case filemode.Symlink:
		return c.symlink(root, entry, path)
	case filemode.Executable:
		return c.file(ctx, root, entry, path, 0o755)
	}
	return c.file(ctx, root, entry, path, 0o644)
}

// submodule makes the folder of a submodule, which is cloned later.
func (c *checkout) submodule(root *os.Root, entry gitobject.TreeEntry, path string) error {
	if entry.Hash.IsZero() {
		return &TreeError{path, "a submodule whose commit id is zero"} // Git puts none into its index
	}
	c.links[path] = entry.Hash
	return makeFolder(root, entry.Name)
}

// note adds a line to the index. Stat data stay zero, which makes Git compare
// the content when it is asked for changes.
func (c *checkout) note(path string, id plumbing.Hash, mode filemode.FileMode) {
	c.entries = append(c.entries, &index.Entry{Name: path, Hash: id, Mode: mode})
}

// blob charges for a blob and returns its content.
func (c *checkout) blob(id plumbing.Hash) (*io.SectionReader, error) {
	place, err := c.store.find(id, plumbing.BlobObject)
	if err != nil {
		return nil, err
	}
	if err := c.left.checkedOut.take(c.store.table[place].size); err != nil {
		return nil, err
	}
	return c.store.at(place)
}

func (c *checkout) file(ctx context.Context, root *os.Root, entry gitobject.TreeEntry, path string, mode os.FileMode) (err error) {
	if path == modulesFile {
		c.modules = &entry.Hash
	}
	content, err := c.blob(entry.Hash)
	if err != nil {
		return err
	}
	file, err := root.OpenFile(entry.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("check out: %w", err)
	}
	defer func() {
		if closing := file.Close(); err == nil && closing != nil {
			err = fmt.Errorf("check out %s: %w", path, closing)
		}
	}()
	if _, err := copyWith(ctx, file, content, c.buffer); err != nil {
		return fmt.Errorf("check out %s: %w", path, err)
	}
	if err := file.Chmod(mode); err != nil { // whatever the umask
		return fmt.Errorf("check out %s: %w", path, err)
	}
	c.files++
	if size := content.Size(); size < maxPointer && isPointer(c.buffer[:size]) { // what was copied at last is still in the buffer
		c.pointers = append(c.pointers, newPointerFile(path, c.buffer[:size]))
	}
	return nil
}

// symlink makes a link of the text the tree has for it. It may point anywhere:
// nothing in this package ever follows it.
func (c *checkout) symlink(root *os.Root, entry gitobject.TreeEntry, path string) error {
	if isDotGitModules(entry.Name) {
		return &TreeError{path, "it is a link, and no file " + modulesFile + " that lists submodules"}
	}
	content, err := c.blob(entry.Hash)
	if err != nil {
		return err
	}
	if content.Size() == 0 || content.Size() >= maxPath {
		return &TreeError{path, fmt.Sprintf("a link of %d bytes", content.Size())}
	}
	target := make([]byte, content.Size())
	if _, err := io.ReadFull(content, target); err != nil {
		return fmt.Errorf("check out %s: %w", path, err)
	}
	for _, b := range target {
		if b == 0 {
			return &TreeError{path, "a link with a NUL in it"}
		}
	}
	if err := root.Symlink(string(target), entry.Name); err != nil {
		return fmt.Errorf("check out: %w", err)
	}
	c.files++
	return nil
}
