package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// gitFolder is what a Git folder is to say, beside its objects.
type gitFolder struct {
	url        URL
	reference  string // full name: a branch is what HEAD is to be, else HEAD is detached; a tag is kept
	commit     plumbing.Hash
	tag        plumbing.Hash // what the reference points to if it is a tag
	worktree   string        // relative path to the work tree when it is not the parent
	submodules []module
	entries    []*index.Entry
	shallow    []plumbing.Hash // commits at which history was cut
}

// write fills the Git folder, but for its pack.
func (g gitFolder) write(ctx context.Context, git *os.Root) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, dir := range []string{"refs", "refs/heads", "refs/tags"} {
		if err := makeFolder(git, dir); err != nil {
			return err
		}
	}
	if err := writeShallow(git, g.shallow); err != nil {
		return err
	}
	if err := writeFile(git, "config", 0o644, func(w io.Writer) error { return config.NewEncoder(w).Encode(g.config()) }); err != nil {
		return err
	}
	if err := g.writeHead(git); err != nil {
		return err
	}
	return writeFile(git, "index", 0o644, func(w io.Writer) error {
		return index.NewEncoder(w).Encode(&index.Index{Version: 2, Entries: g.entries})
	})
}

func writeShallow(git *os.Root, commits []plumbing.Hash) error {
	if len(commits) == 0 {
		return nil
	}
	lines := make([]string, len(commits))
	for i, id := range commits {
		lines[i] = id.String() + "\n"
	}
	slices.Sort(lines)
	return writeText(git, "shallow", strings.Join(lines, ""))
}

// writeHead writes HEAD and the branch or tag that was cloned.
func (g gitFolder) writeHead(git *os.Root) error {
	name := plumbing.ReferenceName(g.reference)
	switch {
	case name.IsTag():
		if err := writeReference(git, g.reference, g.tag); err != nil {
			return err
		}
	case name.IsBranch():
		if err := writeReference(git, g.reference, g.commit); err != nil {
			return err
		}
		return writeText(git, "HEAD", "ref: "+g.reference+"\n")
	}
	return writeText(git, "HEAD", g.commit.String()+"\n")
}

func writeReference(git *os.Root, name string, id plumbing.Hash) error {
	if err := makeFolders(git, path.Dir(name)); err != nil {
		return err
	}
	return writeText(git, name, id.String()+"\n")
}

func (g gitFolder) config() *config.Config {
	c := config.New()
	core := c.Section("core")
	core.SetOption("repositoryformatversion", "0")
	core.SetOption("filemode", "true")
	core.SetOption("bare", "false")
	if g.worktree != "" {
		core.SetOption("worktree", g.worktree)
	}
	origin := c.Section("remote").Subsection("origin")
	origin.SetOption("url", g.url.String())
	origin.SetOption("fetch", "+refs/heads/*:refs/remotes/origin/*")
	for _, m := range g.submodules {
		section := c.Section("submodule").Subsection(m.name)
		section.SetOption("active", "true")
		section.SetOption("url", m.url.String())
	}
	return c
}

// makeFolder makes a new folder with the same mode under every umask.
func makeFolder(root *os.Root, name string) error {
	if err := root.Mkdir(name, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := root.Chmod(name, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

// makeFolders makes a folder and those above it that are missing.
func makeFolders(root *os.Root, name string) error {
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '/' {
			continue
		}
		if err := makeFolder(root, name[:i]); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func writeText(root *os.Root, name, text string) error {
	return writeFile(root, name, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// writeFile writes a new file: a name that is there already, a symbolic link
// too, is an error.
func writeFile(root *os.Root, name string, mode os.FileMode, fill func(io.Writer) error) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	buffered := bufio.NewWriterSize(file, 32<<10)
	err = fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err := errors.Join(err, file.Chmod(mode), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
