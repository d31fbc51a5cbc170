package buildkit

// BuildKit asks this side about each source that its solver is about to use, when it
// resolves an image's configuration and again when it loads the graph of the build. It
// asks with the identifier of the source, whatever the Dockerfile wrote.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	policypb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/moby/buildkit/sourcepolicy/policysession"

	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/server/progress"
)

// maxSources bounds the sources of a build.
const maxSources = 1000

// maxDecisions bounds the calls of Request.Decide at the same time.
const maxDecisions = 4

// policy replies to BuildKit's questions about the sources of one build.
type policy struct {
	ctx    context.Context //nolint:containedctx // of the one build that it is made for
	decide func(context.Context, builder.Source) (builder.Decision, error)
	slots  chan struct{}

	mu       sync.Mutex
	decided  map[builder.Source]*decision
	replaced map[string]bool // identifiers of images that decisions led to
	refused  error           // the first refusal
}

// decision is the result of one call of Request.Decide. It is valid when done is closed.
type decision struct {
	done chan struct{}
	builder.Decision
	err error
}

func newPolicy(ctx context.Context, decide func(context.Context, builder.Source) (builder.Decision, error)) *policy {
	return &policy{
		ctx:      ctx,
		decide:   decide,
		slots:    make(chan struct{}, maxDecisions),
		decided:  map[builder.Source]*decision{},
		replaced: map[string]bool{},
	}
}

// check is the [policysession.PolicyCallback] of the build. It returns no error: BuildKit
// takes a refusal for what it is, and an error for a broken connection.
func (p *policy) check(ctx context.Context, request *policysession.CheckPolicyRequest) (*policysession.DecisionResponse, *gateway.ResolveSourceMetaRequest, error) {
	var response *policysession.DecisionResponse
	err := panics.Catch(func() (err error) {
		response, err = p.reply(ctx, request.GetSource().GetSource())
		return err
	})
	if err != nil {
		p.mu.Lock()
		if p.refused == nil {
			p.refused = err
		}
		p.mu.Unlock()
		response = &policysession.DecisionResponse{
			Action:       policypb.PolicyAction_DENY,
			DenyMessages: []*policysession.DenyMessage{{Message: err.Error()}},
		}
	}
	return response, nil, nil
}

// refusal returns the first refusal, or nil.
func (p *policy) refusal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

var allowed = &policysession.DecisionResponse{Action: policypb.PolicyAction_ALLOW}

// reply returns whether BuildKit may use a source, and what it is to use instead of it.
// An error is a refusal.
func (p *policy) reply(ctx context.Context, op *pb.SourceOp) (*policysession.DecisionResponse, error) {
	if isLocal(op) || p.decide == nil {
		return allowed, nil
	}
	source, err := sourceOf(op)
	if err != nil {
		return nil, err
	}
	if p.isReplacement(op.GetIdentifier()) {
		return allowed, nil
	}
	decided, err := p.decisionOn(ctx, source)
	switch {
	case err != nil:
		return nil, fmt.Errorf("decide whether the build may use the %s %s: %w", source.Kind, source.Name, err)
	case !decided.Allow:
		return nil, fmt.Errorf("the build may not use the %s %s: %s", source.Kind, source.Name, decided.Reason)
	case decided.Digest == "":
		return allowed, nil
	}
	replacement, err := replace(op, source, decided.Digest)
	if err != nil {
		return nil, fmt.Errorf("the %s %s: %w", source.Kind, source.Name, err)
	}
	if replacement == nil {
		return allowed, nil
	}
	if source.Kind == builder.SourceImage {
		p.mu.Lock()
		p.replaced[replacement.GetIdentifier()] = true
		p.mu.Unlock()
	}
	return &policysession.DecisionResponse{Action: policypb.PolicyAction_CONVERT, Update: replacement}, nil
}

// isReplacement reports whether an image's identifier, with its digest, is what an
// earlier decision led to.
func (p *policy) isReplacement(identifier string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.replaced[identifier]
}

// decisionOn calls Request.Decide once for each source, and waits for it.
func (p *policy) decisionOn(ctx context.Context, source builder.Source) (builder.Decision, error) {
	p.mu.Lock()
	known, ok := p.decided[source]
	if !ok {
		if len(p.decided) == maxSources {
			p.mu.Unlock()
			return builder.Decision{}, fmt.Errorf("the build has more than %d sources", maxSources)
		}
		known = &decision{done: make(chan struct{})}
		p.decided[source] = known
	}
	p.mu.Unlock()
	if !ok {
		p.call(known, source)
	}
	select {
	case <-known.done:
		return known.Decision, known.err
	case <-ctx.Done():
		return builder.Decision{}, context.Cause(ctx)
	}
}

func (p *policy) call(into *decision, source builder.Source) {
	defer close(into.done)
	into.err = errors.New("it was not decided") // stays if Decide panics
	select {
	case p.slots <- struct{}{}:
	case <-p.ctx.Done():
		into.err = context.Cause(p.ctx)
		return
	}
	defer func() {
		<-p.slots
		progress.Report(p.ctx)
	}()
	into.err = panics.Catch(func() (err error) {
		into.Decision, err = p.decide(p.ctx, source)
		return err
	})
}

// replace returns the operation that uses the digest, or nil if op uses it already.
func replace(op *pb.SourceOp, source builder.Source, digest string) (*pb.SourceOp, error) {
	switch source.Kind {
	case builder.SourceImage:
		return replaceImage(op, digest)
	case builder.SourceHTTP:
		return replaceHTTP(op, digest)
	default:
		return nil, fmt.Errorf("it was decided by a digest, %s, and can't be checked by one", digest)
	}
}

func withAttr(op *pb.SourceOp, name, value string) *pb.SourceOp {
	attrs := maps.Clone(op.GetAttrs())
	if attrs == nil {
		attrs = map[string]string{}
	}
	attrs[name] = value
	return &pb.SourceOp{Identifier: op.GetIdentifier(), Attrs: attrs}
}
