package source

import (
	"context"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/server/source/gitstore"
)

// checkout is a work tree that was written, and the objects that it came from.
type checkout struct {
	gitstore.Files
	store    *gitstore.Store
	pointers []pointerFile // the files that are pointers of Git LFS
}

// writeContent writes the files of the commit and the pack concurrently: each is a
// full pass over the content.
func (c *cloner) writeContent(ctx context.Context, n node, got *fetched, kept *gitstore.Closure) (*checkout, error) {
	if err := got.store.Flush(); err != nil { // from here on it is only read
		return nil, err
	}
	files := &checkout{store: got.store}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		return panics.Catch(func() error { return gitstore.WritePack(ctx, n.git, got.store, kept) })
	})
	work.Go(func() error {
		if err := panics.Catch(func() error { return files.write(ctx, n, got.commit, c.left.Limits) }); err != nil {
			return err
		}
		report(c.progress, "checked out %s files at %s", gitstore.FormatCount(files.Count), got.commit)
		return nil
	})
	return files, work.Wait()
}

// write checks out a commit. Only the main repository needs a date: records and the
// manifest have none of a submodule.
func (c *checkout) write(ctx context.Context, n node, commit plumbing.Hash, limits *gitstore.Limits) error {
	files, err := gitstore.Checkout(ctx, c.store, commit, n.worktree, gitstore.CheckoutOptions{
		Limits: limits, Dated: n.depth == 0,
		SmallSize: maxPointer,
		Small: func(path string, content []byte) {
			if isPointer(content) {
				c.pointers = append(c.pointers, newPointerFile(path, content))
			}
		},
	})
	if err != nil {
		return err
	}
	c.Files = *files
	return nil
}

// text returns the content of a text file at the top of the work tree, and false if
// there is no such file. A symbolic link is not read.
func (c *checkout) text(name string, limit int64) (text string, found bool, err error) {
	for _, entry := range c.Entries {
		if entry.Name != name || entry.Mode == filemode.Symlink || entry.Mode == filemode.Submodule {
			continue
		}
		content, err := c.store.Blob(entry.Hash)
		if err != nil {
			return "", true, err
		}
		if content.Size() > limit {
			return "", true, &gitstore.LimitError{What: "bytes in " + name, Limit: limit}
		}
		all, err := io.ReadAll(content)
		if err != nil {
			return "", true, fmt.Errorf("read %s: %w", name, err)
		}
		return string(all), true, nil
	}
	return "", false, nil
}
