package source

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/server/source/wire"
)

// connection is one connection to git-upload-pack on a server.
type connection interface {
	wire.Connection
	Close() error
}

// fetched is the result of a fetch.
type fetched struct {
	store  *gitstore.Store
	commit plumbing.Hash
	name   string                 // full name of the reference, or the commit id
	tag    plumbing.Hash          // what a tag points to, if the reference is one: the commit or an annotated tag
	tags   []int32                // the annotated tags that lead to the commit
	cut    map[plumbing.Hash]bool // commits whose parents the server does not send
}

// order is the request for a server: objects, and the depth of the history.
type order struct {
	wants []plumbing.Hash
	depth int
}

// chooser decides what to order from a server.
type chooser func(context.Context, *wire.Client) (order, error)

// fetchReference receives what a reference means on the server of u.
func (c *cloner) fetchReference(ctx context.Context, u URL, reference string, git *os.Root) (*fetched, error) {
	var t target
	everything := func(ctx context.Context, client *wire.Client) (order, error) {
		return c.everything(ctx, client, t.want)
	}
	f, err := c.fetch(ctx, u, git, func(ctx context.Context, client *wire.Client) (o order, err error) {
		if t, err = resolve(ctx, client, reference); err != nil {
			return order{}, err
		}
		if t.bare && !client.SendsAnyCommit() {
			return everything(ctx, client)
		}
		return order{[]plumbing.Hash{t.want}, c.request.Depth}, nil
	})
	if err != nil && t.bare && ctx.Err() == nil && mayTryAgain(err) {
		report(c.progress, "the server does not send commit %s by itself: fetching all branches", reference)
		f, err = c.fetch(ctx, u, git, everything)
	}
	if err != nil {
		return nil, err
	}
	if err := f.resolve(t, reference); err != nil {
		return nil, errors.Join(err, f.store.Close())
	}
	return f, nil
}

// mayTryAgain reports whether another order may succeed after an error.
func mayTryAgain(err error) bool {
	var tooLarge *gitstore.LimitError
	var stalled *progress.Stalled
	return !errors.As(err, &tooLarge) && !errors.As(err, &stalled)
}

// resolve returns the commit of a target, from the received objects.
func (f *fetched) resolve(t target, reference string) (err error) {
	var tags []int32
	if f.commit, tags, err = f.store.Peel(t.want); err != nil {
		if t.bare {
			return &ReferenceError{reference, "the repository has no such commit on any branch or tag, and no branch or tag of this name"}
		}
		return &ReferenceError{reference, err.Error()}
	}
	if f.name = t.name; t.name == "" {
		f.name = f.commit.String()
	}
	if plumbing.ReferenceName(f.name).IsTag() {
		f.tag, f.tags = t.want, tags
	}
	return nil
}

// waiting runs an exchange with the host of u, which ends when the host makes no
// progress.
func (c *cloner) waiting(ctx context.Context, u URL, exchange func(context.Context) error) error {
	within, cancel := progress.WithTimeout(ctx, c.request.Timeout, "the git host "+u.Host)
	defer cancel()
	err := exchange(within)
	if err != nil && within.Err() != nil {
		return context.Cause(within) // rather than what broke when it ended
	}
	return err
}

// fetch receives what choose orders.
func (c *cloner) fetch(ctx context.Context, u URL, git *os.Root, choose chooser) (f *fetched, err error) {
	err = c.waiting(ctx, u, func(ctx context.Context) (err error) {
		f, err = c.fetchWithin(ctx, u, git, choose)
		return err
	})
	return f, err
}

func (c *cloner) fetchWithin(ctx context.Context, u URL, git *os.Root, choose chooser) (_ *fetched, err error) {
	s, err := c.dial(ctx, u)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	client, err := wire.Open(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("list references: %w", err)
	}
	wanted, err := choose(ctx, client)
	if err != nil {
		return nil, err
	}
	pack, err := client.Fetch(ctx, wanted.wants, wanted.depth)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer func() { err = errors.Join(err, pack.Close()) }()
	return c.receive(ctx, pack, git)
}

func (c *cloner) receive(ctx context.Context, pack *wire.Pack, git *os.Root) (*fetched, error) {
	store, err := gitstore.Receive(ctx, pack, git, c.left.Limits)
	if err != nil {
		return nil, err
	}
	report(c.progress, "received %s objects", gitstore.FormatCount(int64(store.Len())))
	f := &fetched{store: store, cut: map[plumbing.Hash]bool{}}
	for _, id := range pack.Shallow {
		f.cut[id] = true
	}
	return f, nil
}

// dial opens a connection with the credentials for u.
func (c *cloner) dial(ctx context.Context, u URL) (connection, error) {
	access := c.credentialFor(u)
	if u.Scheme != schemeSSH {
		return dialHTTPS(ctx, u, access, c.authorities, c.request.Proxy), nil
	}
	s, err := dialSSH(ctx, u, access.signer, c.hosts)
	if err != nil {
		return nil, err
	}
	return s, nil
}
