package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/server/source/gitstore"
	"golang.org/x/crypto/ssh"
)

// Request names the repository and the reference to clone, and holds the
// credentials.
type Request struct {
	URL         string       // as ParseURL takes it
	Reference   string       // branch, tag, full name of a reference, or full commit id; "" is the remote's default branch
	Depth       int          // commits of history, from the reference back; 0 is all of it
	Submodules  bool         // clone submodules too, and theirs, at the commits the tree names
	LFS         bool         // replace pointers by the files that Git LFS stores
	SSHKey      []byte       // private key in PEM or OpenSSH form without passphrase, for SSH URLs
	User, Token string       // credentials for HTTPS URLs; a token alone is enough; may be empty
	Auth        string       // how Token is sent: AuthBasic, which "" means too, or AuthBearer
	Credentials []Credential // before SSHKey and Token, for what they cover
	Anchors
	Proxy   Proxy         `json:"-"` // for HTTPS; nil for none
	Timeout time.Duration // how long a server may make no progress; 0 is no limit
}

// Anchors authenticate servers, in addition to the built-in host keys and the
// system's CA certificates. Those of the operator count for every host, those of
// the developer for all but the forges ([IsForge]).
type Anchors struct {
	KnownHosts, OperatorKnownHosts []byte // known_hosts text (sshd(8))
	CABundle, OperatorCABundle     []byte // CA certificates for HTTPS, in PEM
}

// Checkout is the result of a clone.
type Checkout struct {
	Commit     string      // id of the commit that is checked out, 40 hex digits
	Committed  time.Time   // the committer's time in it, UTC, to the second
	Reference  string      // full name of the reference ("refs/heads/main"), or the commit id that was asked for
	Submodules []Submodule // all of them, also those within others, a parent before its children
}

// Submodule is a submodule that was cloned.
type Submodule struct {
	Path   string // from the top of the work tree, with slashes
	URL    string // absolute
	Commit string // 40 hex digits
}

// Clone fetches a reference of a repository and checks it out in dir, which is
// made, or is empty. Lines for people go to progress, which may be nil.
//
// When it fails, dir is as it was before. When ctx ends, it fails at once with
// the cause of that. The kinds of errors are [ErrNotFound], [ErrCredentials],
// [ErrEmptyRepository], [ReferenceError], [UnknownHostError],
// [HostKeyMismatchError], [gitstore.LimitError], [gitstore.TreeError],
// [gitstore.DateError] and [gitstore.MissingObjectError].
func Clone(ctx context.Context, request Request, dir string, progress io.Writer) (Checkout, error) {
	c, err := newCloner(request, progress)
	if err != nil {
		return Checkout{}, fmt.Errorf("clone: %w", err)
	}
	result, err := c.clone(ctx, dir)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // rather than what broke when it ended
	}
	if err != nil {
		return Checkout{}, &quotedError{fmt.Errorf("clone %s: %w", c.main, err), request.tokens()}
	}
	return result, nil
}

// Proxy returns the proxy of a request, nil for none, as
// http.Transport takes it. SSH goes through none.
type Proxy = func(*http.Request) (*url.URL, error)

// cloner is one running clone, submodules included.
type cloner struct {
	request     Request
	main        URL
	signer      ssh.Signer
	scoped      []scoped // the narrower first
	hosts       *hostKeys
	authorities authorities
	left        *limits
	progress    io.Writer
}

func newCloner(request Request, progress io.Writer) (*cloner, error) {
	c := &cloner{request: request, progress: progress, left: newLimits(gitstore.MaxEntries, gitstore.MaxObjects, gitstore.MaxBytes)}
	var err error
	if c.main, err = ParseURL(request.URL); err != nil {
		return nil, err
	}
	if err := CheckReference(request.Reference); err != nil {
		return nil, err
	}
	if request.Depth < 0 {
		return nil, fmt.Errorf("depth: %d is negative; 0 is all of the history", request.Depth)
	}
	if c.signer, err = parseKey(request.SSHKey); err != nil {
		return nil, err
	}
	if err := checkAuth(request.Auth); err != nil {
		return nil, err
	}
	if c.scoped, err = parseCredentials(request.Credentials); err != nil {
		return nil, err
	}
	if c.hosts, err = newHostKeys(request.OperatorKnownHosts, request.KnownHosts); err != nil {
		return nil, err
	}
	if c.authorities, err = newAuthorities(request.Anchors); err != nil {
		return nil, err
	}
	return c, nil
}

// node is one repository of a clone: the main one or a submodule.
type node struct {
	url               URL
	reference         string
	depth             int      // number of submodules around it
	worktree, git     *os.Root // where its files and its Git folder go
	treePath, gitPath string   // the same, from the top of the main work tree
}

func (c *cloner) clone(ctx context.Context, dir string) (result Checkout, err error) {
	root, undo, err := newFolder(dir)
	if err != nil {
		return Checkout{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, undo())
		}
		err = errors.Join(err, root.Close())
	}()
	git, err := gitstore.CreateFolder(root, ".git")
	if err != nil {
		return Checkout{}, err
	}
	defer git.Close() //nolint:errcheck // only a handle
	return c.repository(ctx, node{
		url: c.main, reference: c.request.Reference,
		worktree: root, git: git, treePath: ".", gitPath: ".git",
	})
}

// repository clones one repository into folders that are there, then the
// submodules it names.
func (c *cloner) repository(ctx context.Context, n node) (Checkout, error) {
	at := n.reference
	if at == "" {
		at = "its default branch"
	}
	report(c.progress, "cloning %s at %s", n.url, at)
	result, modules, err := c.single(ctx, n)
	if err != nil {
		return Checkout{}, err
	}
	for _, m := range modules {
		cloned, err := c.submodule(ctx, n, m)
		if err != nil {
			return Checkout{}, err
		}
		result.Submodules = append(result.Submodules, cloned...)
	}
	return result, nil
}

// single clones one repository without its submodules and returns those. What
// it holds on disk and in memory for that is gone when it returns.
func (c *cloner) single(ctx context.Context, n node) (_ Checkout, _ []module, err error) {
	got, err := c.fetchReference(ctx, n.url, n.reference, n.git)
	if err != nil {
		return Checkout{}, nil, err
	}
	defer func() { err = errors.Join(err, got.store.Close()) }()
	kept, err := gitstore.ClosureOf(ctx, got.store, got.commit, c.request.Depth, got.cut)
	if err != nil {
		return Checkout{}, nil, err
	}
	kept.Keep(got.tags)
	files, err := c.writeContent(ctx, n, got, kept)
	if err != nil {
		return Checkout{}, nil, err
	}
	if c.request.LFS {
		err = c.fetchLFS(ctx, n, got.name, files)
	} else {
		c.reportPointers(files)
	}
	if err != nil {
		return Checkout{}, nil, err
	}
	if err := files.reportAttributes(ctx, c.progress); err != nil {
		return Checkout{}, nil, err
	}
	var modules []module
	if c.request.Submodules {
		if modules, err = c.modules(n, files); err != nil {
			return Checkout{}, nil, err
		}
	}
	folder := gitstore.GitFolder{
		URL: n.url.String(), Reference: got.name, Commit: got.commit, Tag: got.tag, Entries: files.Entries, Shallow: kept.Shallow,
	}
	for _, m := range modules {
		folder.Submodules = append(folder.Submodules, gitstore.Submodule{Name: m.name, URL: m.url.String()})
	}
	if folder.Worktree, err = n.worktreeOfGit(); err != nil {
		return Checkout{}, nil, err
	}
	if err := folder.Write(ctx, n.git); err != nil {
		return Checkout{}, nil, err
	}
	return Checkout{Commit: got.commit.String(), Committed: files.Committed, Reference: got.name}, modules, nil
}

// modules returns the submodules of a repository to clone, and reports those that
// stay empty.
func (c *cloner) modules(n node, files *checkout) ([]module, error) {
	modules, none, err := modulesOf(files, n.url)
	if err != nil {
		return nil, err
	}
	for _, name := range none {
		report(c.progress, "submodule %q is left empty: %s has update = none for it", path.Join(n.treePath, name), gitconfig.ModulesFile)
	}
	return modules, nil
}
