package gitstore

import (
	"context"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// GitFolder is the content of a Git folder besides its objects.
type GitFolder struct {
	URL        string // of the remote origin
	Reference  string // full name: HEAD is that branch, or else detached; a tag is written
	Commit     plumbing.Hash
	Tag        plumbing.Hash // the object that Reference points to if it is a tag
	Worktree   string        // relative path to the work tree if that is not the parent folder
	Submodules []Submodule
	Entries    []*index.Entry
	Shallow    []plumbing.Hash // commits at which history was cut
}

// Submodule is a submodule as the config of a Git folder has it.
type Submodule struct{ Name, URL string }

// Write writes the Git folder except for its pack, see [WritePack].
func (g GitFolder) Write(ctx context.Context, git *os.Root) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, dir := range []string{"refs", "refs/heads", "refs/tags"} {
		if err := makeFolder(git, dir); err != nil {
			return err
		}
	}
	if err := writeShallow(git, g.Shallow); err != nil {
		return err
	}
	if err := writeFile(git, "config", 0o644, func(w io.Writer) error { return config.NewEncoder(w).Encode(g.config()) }); err != nil {
		return err
	}
	if err := g.writeHead(git); err != nil {
		return err
	}
	return writeFile(git, "index", 0o644, func(w io.Writer) error {
		return index.NewEncoder(w).Encode(&index.Index{Version: 2, Entries: g.Entries})
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
func (g GitFolder) writeHead(git *os.Root) error {
	name := plumbing.ReferenceName(g.Reference)
	switch {
	case name.IsTag():
		if err := writeReference(git, g.Reference, g.Tag); err != nil {
			return err
		}
	case name.IsBranch():
		if err := writeReference(git, g.Reference, g.Commit); err != nil {
			return err
		}
		return writeText(git, "HEAD", "ref: "+g.Reference+"\n")
	}
	return writeText(git, "HEAD", g.Commit.String()+"\n")
}

func writeReference(git *os.Root, name string, id plumbing.Hash) error {
	if err := makeFolders(git, path.Dir(name)); err != nil {
		return err
	}
	return writeText(git, name, id.String()+"\n")
}

func (g GitFolder) config() *config.Config {
	c := config.New()
	core := c.Section("core")
	core.SetOption("repositoryformatversion", "0")
	core.SetOption("filemode", "true")
	core.SetOption("bare", "false")
	if g.Worktree != "" {
		core.SetOption("worktree", g.Worktree)
	}
	origin := c.Section("remote").Subsection("origin")
	origin.SetOption("url", g.URL)
	origin.SetOption("fetch", "+refs/heads/*:refs/remotes/origin/*")
	for _, m := range g.Submodules {
		section := c.Section("submodule").Subsection(m.Name)
		section.SetOption("active", "true")
		section.SetOption("url", m.URL)
	}
	return c
}
