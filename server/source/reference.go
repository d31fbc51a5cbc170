package source

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/server/source/wire"
)

// maxReference bounds the name of a reference, in bytes.
const maxReference = 255

// CheckReference returns an error if text cannot name a branch, a tag or a commit on
// any server. Empty means the default branch.
func CheckReference(text string) error {
	if len(text) > maxReference {
		return fmt.Errorf("reference: has %d bytes, at most %d are taken", len(text), maxReference)
	}
	if text == "" || text == string(plumbing.HEAD) {
		return nil
	}
	name := plumbing.ReferenceName(text)
	if !strings.HasPrefix(text, "refs/") {
		name = plumbing.NewBranchReferenceName(text)
	}
	if err := name.Validate(); err != nil {
		return fmt.Errorf("reference %q: not the name of a branch or tag, nor a commit id (git check-ref-format has the rules)", text)
	}
	return nil
}

// target is a resolved reference.
type target struct {
	name string        // full name of the reference; empty for a commit id
	want plumbing.Hash // the object to ask for: a commit, or the tag of one
	bare bool          // a commit id, and no reference of the server points to it
}

// resolve finds what text means on a server: a commit id, a full name, a branch
// or a tag, in this order. A commit id comes first because who pins one must get
// it, even from a server that has a branch of that name.
func resolve(ctx context.Context, server *wire.Client, text string) (t target, err error) {
	switch {
	case text == "" || text == string(plumbing.HEAD):
		t, err = defaultBranch(ctx, server)
	case isHex(text):
		return commitTarget(ctx, server, text)
	default:
		t, err = named(ctx, server, text)
	}
	if err == nil && t == (target{}) {
		return target{}, notFound(ctx, server, text)
	}
	return t, err
}

// notFound explains that a server has no such reference.
func notFound(ctx context.Context, server *wire.Client, text string) error {
	empty, err := server.Empty(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("list references: %w", err)
	case empty:
		return ErrEmptyRepository
	case text == "" || text == string(plumbing.HEAD):
		return &ReferenceError{"HEAD", "the repository's default branch does not exist; name a branch, tag or commit in GITHUB_BRANCH"}
	}
	return &ReferenceError{text, "the repository has no branch and no tag of this name, and it is no full commit id " +
		"(40 hex digits); it may also be a full name such as refs/heads/main"}
}

// named finds a branch, a tag or a reference by its full name; the target is zero
// when there is none.
func named(ctx context.Context, server *wire.Client, text string) (target, error) {
	candidates := []string{plumbing.NewBranchReferenceName(text).String(), plumbing.NewTagReferenceName(text).String()}
	if strings.HasPrefix(text, "refs/") {
		candidates = []string{text}
	}
	found := map[string]plumbing.Hash{}
	err := list(ctx, server, candidates, func(r wire.Reference) error {
		if slices.Contains(candidates, r.Name) {
			found[r.Name] = r.ID
		}
		return nil
	})
	if err != nil {
		return target{}, err
	}
	for _, name := range candidates {
		if id, ok := found[name]; ok {
			return target{name: name, want: id}, nil
		}
	}
	return target{}, nil
}

// list lists references and names the operation in its errors.
func list(ctx context.Context, server *wire.Client, prefixes []string, visit func(wire.Reference) error) error {
	if err := server.List(ctx, prefixes, visit); err != nil {
		return fmt.Errorf("list references: %w", err)
	}
	return nil
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && (len(text) == 40 || len(text) == 64)
}

// commitTarget finds what to ask a server for so that it sends a commit. Servers
// of version 0 send only what a reference points to unless they offer more.
func commitTarget(ctx context.Context, server *wire.Client, text string) (target, error) {
	if len(text) != 40 {
		return target{}, &ReferenceError{text, "a commit id of 64 digits belongs to a SHA-256 repository; only SHA-1 repositories are supported"}
	}
	t := target{want: plumbing.NewHash(text), bare: true}
	if !server.ListsAll() {
		return t, nil
	}
	empty := true
	err := list(ctx, server, nil, func(r wire.Reference) error {
		empty = false
		if id := plumbing.NewHash(text); t.bare && (r.ID == id || r.Peeled == id) {
			t = target{want: r.ID}
		}
		return nil
	})
	if err == nil && empty {
		return target{}, ErrEmptyRepository
	}
	return t, err
}

// everything orders what a reference points to, if it is or leads to the commit,
// and else all branches and tags.
func (c *cloner) everything(ctx context.Context, server *wire.Client, commit plumbing.Hash) (order, error) {
	var direct, tips []plumbing.Hash
	empty := true
	err := list(ctx, server, nil, func(r wire.Reference) error {
		empty = false
		name := plumbing.ReferenceName(r.Name)
		switch {
		case direct == nil && (r.ID == commit || r.Peeled == commit):
			direct = []plumbing.Hash{r.ID}
		case !name.IsBranch() && !name.IsTag():
		case len(tips) == maxTips:
			return &gitstore.LimitError{What: "branches and tags", Limit: maxTips}
		default:
			tips = append(tips, r.ID)
		}
		return nil
	})
	switch {
	case err != nil:
		return order{}, err
	case empty:
		return order{}, ErrEmptyRepository
	case direct != nil:
		return order{direct, c.request.Depth}, nil
	case len(tips) == 0:
		return order{}, &ReferenceError{commit.String(), "the repository has no such commit, and no branch or tag"}
	}
	return order{wants: tips}, nil
}

// defaultBranch finds the branch that the server's HEAD is; the target is zero when
// it has none. Where HEAD is detached, or the server is older than the symref
// capability, it is guessed from the commit, as Git does: main, master, or the
// first of the others.
func defaultBranch(ctx context.Context, server *wire.Client) (target, error) {
	var head wire.Reference
	err := list(ctx, server, []string{string(plumbing.HEAD)}, func(r wire.Reference) error {
		if r.Name == string(plumbing.HEAD) {
			head = r
		}
		return nil
	})
	if err != nil || head.Name == "" {
		return target{}, err
	}
	if head.Target != "" {
		return branch(head.Target, head.ID)
	}
	best := ""
	err = list(ctx, server, []string{"refs/heads/"}, func(r wire.Reference) error {
		if r.ID == head.ID && (best == "" || before(r.Name, best)) {
			best = r.Name
		}
		return nil
	})
	if err != nil || best == "" {
		return target{want: head.ID}, err
	}
	return branch(best, head.ID)
}

// before reports whether a branch is a better guess than another.
func before(a, b string) bool {
	for _, name := range []string{"refs/heads/main", "refs/heads/master"} {
		if a == name || b == name {
			return a == name
		}
	}
	return a < b
}

// branch takes a name that the server chose: it becomes a file in .git.
func branch(name string, id plumbing.Hash) (target, error) {
	if err := plumbing.ReferenceName(name).Validate(); err != nil || len(name) > maxReference {
		return target{}, errors.New("the name of the default branch is not valid")
	}
	return target{name: name, want: id}, nil
}
