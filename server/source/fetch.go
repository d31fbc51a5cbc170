package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// session is one exchange with git-upload-pack on a server.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// fetched is what came of a fetch.
type fetched struct {
	store  *objects
	commit plumbing.Hash
	name   string                 // full name of the reference, or the commit id
	tag    plumbing.Hash          // what a tag points to, if the reference is one: the commit or an annotated tag
	tags   []int32                // places of the annotated tags between the two
	cut    map[plumbing.Hash]bool // commits whose parents the server does not send
}

// order is what to ask a server for: objects, and how many commits back.
type order struct {
	wants []plumbing.Hash
	depth int
}

// fetchReference receives what a reference means on the server of u.
func (c *cloner) fetchReference(ctx context.Context, u URL, reference string, git *os.Root) (*fetched, error) {
	var t target
	everything := func(refs *packp.AdvRefs) (order, error) { return order{wants: tips(refs)}, nil }
	f, err := c.fetch(ctx, u, git, func(refs *packp.AdvRefs) (o order, err error) {
		if t, err = resolve(refs, reference); err != nil {
			return order{}, err
		}
		if t.bare && !sendsAnyCommit(refs) {
			return everything(refs)
		}
		return order{[]plumbing.Hash{t.want}, c.request.Depth}, nil
	})
	var tooLarge *LimitError
	if err != nil && t.bare && ctx.Err() == nil && !errors.As(err, &tooLarge) {
		report(c.progress, "the server does not send commit %s by itself: fetching all branches", reference)
		f, err = c.fetch(ctx, u, git, everything)
	}
	if err != nil {
		return nil, err
	}
	if err := f.settle(t, reference); err != nil {
		return nil, errors.Join(err, f.store.Close())
	}
	return f, nil
}

// settle finds the commit a target leads to among what was received.
func (f *fetched) settle(t target, reference string) (err error) {
	var tags []int32
	if f.commit, tags, err = commitOf(f.store, t.want); err != nil {
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

// fetch receives what choose orders after it has seen the server's references.
func (c *cloner) fetch(ctx context.Context, u URL, git *os.Root, choose func(*packp.AdvRefs) (order, error)) (_ *fetched, err error) {
	s, err := c.dial(ctx, u)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	refs, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, ErrEmptyRepository
	}
	if err != nil {
		return nil, fmt.Errorf("list references: %w", err)
	}
	wanted, err := choose(refs)
	if err != nil {
		return nil, err
	}
	request := uploadRequest(refs, wanted)
	response, err := s.UploadPack(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer func() { err = errors.Join(err, response.Close()) }()
	return c.receive(ctx, response, request.Capabilities, refs, git)
}

// uploadRequest words an order for a server.
func uploadRequest(refs *packp.AdvRefs, wanted order) *packp.UploadPackRequest {
	request := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	request.Wants = wanted.wants
	for _, c := range []capability.Capability{capability.NoProgress, capability.Shallow} {
		if refs.Capabilities.Supports(c) {
			_ = request.Capabilities.Set(c) // fails for capabilities with arguments only
		}
	}
	if refs.Capabilities.Supports(capability.Shallow) {
		request.Depth = packp.DepthCommits(wanted.depth)
	}
	return request
}

func (c *cloner) receive(ctx context.Context, response *packp.UploadPackResponse, agreed *capability.List, refs *packp.AdvRefs, git *os.Root) (*fetched, error) {
	var pack io.Reader = response
	switch {
	case agreed.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, response)
	case agreed.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, response)
	}
	store, err := newObjects(git)
	if err != nil {
		return nil, err
	}
	if err := receive(ctx, pack, store, git, c.left); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	report(c.progress, "received %s objects", grouped(int64(len(store.table))))
	f := &fetched{store: store, cut: map[plumbing.Hash]bool{}}
	for _, ids := range [][]plumbing.Hash{refs.Shallows, response.Shallows} {
		for _, id := range ids {
			f.cut[id] = true
		}
	}
	return f, nil
}

// dial opens a session; the credentials of the main repository are for its host.
func (c *cloner) dial(ctx context.Context, u URL) (session, error) {
	share := c.main.sharesCredentials(u)
	if u.Scheme == schemeSSH {
		signer := c.signer
		if !share {
			signer = nil
		}
		s, err := dialSSH(ctx, u, signer, c.hosts)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	user, token := c.request.User, c.request.Token
	if !share {
		user, token = "", ""
	}
	s, err := dialHTTPS(u, user, token, c.authorities, c.request.Proxy)
	if err != nil {
		return nil, err
	}
	return s, nil
}
