package gitstore

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
)

// CheckoutOptions are the options of [Checkout].
type CheckoutOptions struct {
	Limits *Limits
	Dated  bool // the commit must have a date; see [DateError]
	// Small, unless nil, is called with each file of less than SmallSize bytes (at
	// most 64 KiB). The content is only valid during the call.
	Small     func(path string, content []byte)
	SmallSize int64
}

// Files is the result of a checkout.
type Files struct {
	Entries    []*index.Entry           // of the index, in the order of the tree; stat data are zero
	Count      int64                    // files and links
	Submodules map[string]plumbing.Hash // path → commit; their folders are made, and empty
	Committed  time.Time                // of the commit, if it had to have a date
}

// checkout writes the tree of a commit as files. go-git's own is not used: it
// keeps stat data in the index and writes by path, not within a folder.
type checkout struct {
	Files
	CheckoutOptions
	store  *Store
	buffer []byte
}

// Checkout writes the tree of a commit into worktree, which holds nothing but .git.
func Checkout(ctx context.Context, store *Store, commit plumbing.Hash, worktree *os.Root, options CheckoutOptions) (*Files, error) {
	c := &checkout{
		Files:           Files{Submodules: map[string]plumbing.Hash{}},
		CheckoutOptions: options,
		store:           store, buffer: make([]byte, 64<<10),
	}
	tree, err := c.commit(commit)
	if err != nil {
		return nil, err
	}
	if err := c.folder(ctx, &lazyFolder{root: worktree}, tree, "", 0); err != nil {
		return nil, err
	}
	return &c.Files, nil
}

// commit reads a commit and returns its tree.
func (c *checkout) commit(id plumbing.Hash) (tree plumbing.Hash, err error) {
	row, err := c.store.find(id, plumbing.CommitObject)
	if err != nil {
		return tree, err
	}
	var decoded gitobject.Commit
	if err := c.store.decode(row, &decoded); err != nil {
		return tree, err
	}
	if c.Dated {
		text, err := c.store.content(row)
		if err != nil {
			return tree, err
		}
		if c.Committed, err = committedAt(id.String(), text); err != nil {
			return tree, err
		}
	}
	return decoded.TreeHash, nil
}

// folder writes one tree. Each folder is an os.Root of its own that was just made,
// so no name of the tree can lead out of it.
func (c *checkout) folder(ctx context.Context, into *lazyFolder, tree plumbing.Hash, prefix string, depth int) error {
	if depth > maxFolderDepth {
		return &LimitError{What: "folders within folders", Limit: maxFolderDepth}
	}
	row, err := c.store.find(tree, plumbing.TreeObject)
	if err != nil {
		return err
	}
	entries, err := readTree(c.store, row, nil)
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

func (c *checkout) entry(ctx context.Context, into *lazyFolder, entry gitobject.TreeEntry, prefix string, depth int) (err error) {
	path := prefix + entry.Name
	if len(path) > maxPath {
		return &LimitError{What: "bytes in a path", Limit: maxPath}
	}
	if err := c.Limits.Entries.Take(1); err != nil {
		return err
	}
	if entry.Mode == filemode.Dir {
		sub := &lazyFolder{parent: into, name: entry.Name}
		defer func() { err = errors.Join(err, sub.close()) }()
		return c.folder(ctx, sub, entry.Hash, path+"/", depth+1)
	}
	root, err := into.open()
	if err != nil {
		return err
	}
	c.Entries = append(c.Entries, &index.Entry{Name: path, Hash: entry.Hash, Mode: entry.Mode}) // without stat data Git compares the content
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
	c.Submodules[path] = entry.Hash
	return makeFolder(root, entry.Name)
}

// blob returns the content of a blob and takes its size from the budget.
func (c *checkout) blob(id plumbing.Hash) (*io.SectionReader, error) {
	row, err := c.store.find(id, plumbing.BlobObject)
	if err != nil {
		return nil, err
	}
	if err := c.Limits.CheckedOut.Take(c.store.table[row].size); err != nil {
		return nil, err
	}
	return c.store.at(row)
}

func (c *checkout) file(ctx context.Context, root *os.Root, entry gitobject.TreeEntry, path string, mode os.FileMode) (err error) {
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
	if _, err := copyContext(ctx, file, content, c.buffer); err != nil {
		return fmt.Errorf("check out %s: %w", path, err)
	}
	if err := file.Chmod(mode); err != nil { // whatever the umask
		return fmt.Errorf("check out %s: %w", path, err)
	}
	c.Count++
	if size := content.Size(); c.Small != nil && size < min(c.SmallSize, int64(len(c.buffer))) {
		c.Small(path, c.buffer[:size]) // copyContext has left it in the buffer
	}
	return nil
}

// symlink makes a link of the text the tree has for it. It may point anywhere:
// this package never follows it.
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
	c.Count++
	return nil
}
