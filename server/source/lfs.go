package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/server/source/gitstore"
)

// lfsBatch is the number of objects in one request, as in git-lfs.
const lfsBatch = 100

// reportPointers writes a line if there are pointers of Git LFS that stay.
func (c *cloner) reportPointers(files *checkout) {
	if n := len(files.pointers); n > 0 {
		report(c.progress, "%s of the files are pointers of Git LFS: the image and the manifest get the pointers, not the files that they refer to; GITHUB_LFS fetches these", gitstore.FormatCount(int64(n)))
	}
}

// fetchLFS replaces pointers by the files that Git LFS stores: those with the
// attribute filter=lfs, as git-lfs does.
func (c *cloner) fetchLFS(ctx context.Context, n node, reference string, files *checkout) error {
	return c.waiting(ctx, n.url, func(ctx context.Context) error { return c.fetchPointers(ctx, n, reference, files) })
}

func (c *cloner) fetchPointers(ctx context.Context, n node, reference string, files *checkout) error {
	wanted, err := files.lfsFiles()
	if err != nil || len(wanted) == 0 {
		return err
	}
	for _, file := range wanted {
		if err := c.left.CheckedOut.Take(file.object.size); err != nil {
			return err
		}
	}
	server, err := c.lfsServer(ctx, n.url, reference, files)
	if err != nil {
		return fmt.Errorf("fetch Git LFS objects: %w", err)
	}
	defer server.close()
	report(c.progress, "fetching the Git LFS objects of %s files from %s", gitstore.FormatCount(int64(len(wanted))), server.endpoint)
	firsts, others := map[lfsObject]string{}, []pointerFile{}
	var objects []pointerFile
	for _, file := range wanted {
		if _, twice := firsts[file.object]; twice {
			others = append(others, file)
			continue
		}
		firsts[file.object] = file.path
		objects = append(objects, file)
	}
	for batch := range slices.Chunk(objects, lfsBatch) {
		if err := server.fetch(ctx, n.worktree, batch); err != nil {
			return err
		}
	}
	for _, file := range others {
		if err := copyObject(ctx, n.worktree, firsts[file.object], file, server.buffer); err != nil {
			return err
		}
	}
	report(c.progress, "%s files are Git LFS objects, each checked against its pointer", gitstore.FormatCount(int64(len(wanted))))
	return nil
}

// lfsFiles returns the pointers with the attribute filter=lfs. One that git-lfs
// would not have written is refused: a verifier could not compute it from the
// content.
func (c *checkout) lfsFiles() ([]pointerFile, error) {
	if len(c.pointers) == 0 {
		return nil, nil
	}
	tree, err := c.attributes()
	if err != nil {
		return nil, err
	}
	var wanted []pointerFile
	for _, file := range c.pointers {
		found, _ := tree.Of(file.path)
		if found["filter"] != "lfs" {
			continue
		}
		if !file.canonical {
			return nil, &LFSError{file.path, errors.New("the pointer is not in the form that git-lfs writes: run git lfs migrate import --fixup, or git add --renormalize, and commit again")}
		}
		wanted = append(wanted, file)
	}
	return wanted, nil
}

// writeObject writes the content of an object over its pointer, and checks it.
func writeObject(ctx context.Context, worktree *os.Root, file pointerFile, content io.Reader, buffer []byte) (err error) {
	out, err := worktree.OpenFile(file.path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return &LFSError{file.path, err}
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	hash := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(out, hash), io.LimitReader(progress.Reader(ctx, content), file.object.size+1), buffer)
	switch {
	case err != nil:
		return &LFSError{file.path, err}
	case n != file.object.size:
		return &LFSError{file.path, fmt.Errorf("the server sent another number of bytes than the %d of its pointer", file.object.size)}
	case [sha256.Size]byte(hash.Sum(nil)) != file.object.id:
		return &LFSError{file.path, fmt.Errorf("the server sent content whose SHA-256 is %x, and the pointer has %s", hash.Sum(nil), file.object)}
	}
	return nil
}

// copyObject copies an object that is there from one file to another.
func copyObject(ctx context.Context, worktree *os.Root, from string, file pointerFile, buffer []byte) error {
	in, err := worktree.Open(from)
	if err != nil {
		return &LFSError{file.path, err}
	}
	defer in.Close() //nolint:errcheck // it was only read
	return writeObject(ctx, worktree, file, progress.WorkReader(ctx, in), buffer)
}

// lfsConfig returns the address of the LFS server that .lfsconfig names; empty
// if it names none. Of its settings no other counts.
func (c *checkout) lfsConfig() (string, error) {
	const name = ".lfsconfig"
	text, found, err := c.text(name, maxModulesFile)
	if err != nil || !found {
		return "", err
	}
	settings, err := gitconfig.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	named := map[string]string{}
	for _, s := range settings {
		named[s.Name] = s.Value
	}
	return firstOf(named["lfs.url"], named["remote.origin.lfsurl"]), nil
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// lfsPath returns the path of the LFS server of a repository unless it names another
// (git-lfs, docs/api/server-discovery.md).
func lfsPath(repository string) string {
	if path.Ext(repository) != ".git" {
		repository += ".git"
	}
	return repository + "/info/lfs"
}
