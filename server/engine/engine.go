package engine

// Which of an Engine's two builders a build uses is decided once, when it
// connects. The Engine's own announcement is not enough for that: 20.10 announces
// the classic builder and offers BuildKit all the same.

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
)

// Builder names one of the two builders of a Docker Engine.
type Builder string

// The builders. Automatic takes the classic one only of an Engine that offers no
// BuildKit: it reports less of what it does.
const (
	Automatic Builder = "automatic"
	BuildKit  Builder = "buildkit"
	Classic   Builder = "classic"
)

// Engine is a connection to a Docker Engine. Its methods may be called from
// several goroutines at once.
type Engine struct {
	api      *client.Client
	builder  Builder
	fallback string // see Version
	version  types.Version
}

// Version describes the Engine, for the record of a build.
type Version struct {
	Engine  string  // version of the Engine, for example "28.5.2"
	API     string  // API version negotiated with it, for example "1.41"
	OS      string  // operating system of the images it builds, for example "linux"
	Arch    string  // their architecture, as Go spells it, for example "s390x"
	Builder Builder // BuildKit or Classic

	// Fallback is why Automatic took the classic builder, or empty.
	Fallback string
}

// Connect opens a connection to the Docker Engine at host, for example
// "unix:///var/run/docker.sock"; the empty string means DOCKER_HOST or,
// without it, the default socket. It negotiates the API version (Engine 20.10
// and later are known to work), reads the version of the Engine, and chooses a builder.
//
// The error is ErrUnreachable when no Engine replies at that address.
func Connect(ctx context.Context, host string, builder Builder) (*Engine, error) {
	api, err := newAPI(host)
	if err != nil {
		return nil, fmt.Errorf("connect to the Docker Engine: %w", err)
	}
	e := &Engine{api: api}
	if err := e.negotiate(ctx); err != nil {
		return nil, discard(e, err)
	}
	// The Engine runs other programs to read their versions, which takes time.
	var asked errgroup.Group
	asked.Go(func() error { return e.askVersion(ctx) })
	e.builder, err = e.choose(ctx, builder)
	if failed := asked.Wait(); err == nil {
		err = failed
	}
	if err != nil {
		return nil, discard(e, err)
	}
	return e, nil
}

func newAPI(host string) (*client.Client, error) {
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		options = append(options, client.WithHost(host))
	}
	return client.NewClientWithOpts(append(options, abortable)...)
}

func (e *Engine) negotiate(ctx context.Context) error {
	ping, err := e.api.Ping(ctx)
	if err != nil {
		return unreachable(ctx, e.api.DaemonHost(), err)
	}
	e.api.NegotiateAPIVersionPing(ping)
	return nil
}

// choose returns the builder to use. It queries BuildKit itself, because that alone
// holds for every Engine. A BuildKit that fails is no reason to build without it.
func (e *Engine) choose(ctx context.Context, wanted Builder) (Builder, error) {
	switch wanted {
	case Classic:
		return Classic, nil
	case BuildKit, Automatic:
	default:
		return "", fmt.Errorf("connect to the Docker Engine: unknown builder %q: use %q, %q or %q", wanted, Automatic, BuildKit, Classic)
	}
	err := e.probeBuildKit(ctx)
	switch {
	case err == nil:
		return BuildKit, nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("connect to the Docker Engine: %w", context.Cause(ctx))
	case !offersNoBuildKit(err):
		return "", fmt.Errorf("ask the Docker Engine at %s for its BuildKit: %w", e.api.DaemonHost(), err)
	case wanted == Automatic:
		e.fallback = "the Docker Engine offers no BuildKit: " + err.Error()
		return Classic, nil
	}
	return "", fmt.Errorf("the Docker Engine at %s has no BuildKit; choose the builder %q or %q: %w", e.api.DaemonHost(), Automatic, Classic, err)
}

// Close ends the connection. Calls still running fail.
func (e *Engine) Close() error {
	if err := e.api.Close(); err != nil {
		return fmt.Errorf("close the connection to the Docker Engine: %w", err)
	}
	return nil
}

func (e *Engine) askVersion(ctx context.Context) (err error) {
	if e.version, err = e.api.ServerVersion(ctx); err != nil {
		return fmt.Errorf("ask the Docker Engine for its version: %w", unreachable(ctx, e.api.DaemonHost(), err))
	}
	return nil
}

// Version returns the version that the Engine reported when the connection was
// opened.
func (e *Engine) Version() Version {
	return Version{
		Engine:  e.version.Version,
		API:     e.api.ClientVersion(),
		OS:      e.version.Os,
		Arch:    e.version.Arch,
		Builder: e.builder, Fallback: e.fallback,
	}
}
