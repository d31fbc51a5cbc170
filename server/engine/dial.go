package engine

// The BuildKit of an Engine is reached through the Engine's own API: "/grpc"
// carries BuildKit's control service, "/session" the service of this side, which
// hands out files of the context and credentials.

import (
	"context"
	"fmt"
	"net"

	controlapi "github.com/moby/buildkit/api/services/control"
	buildkit "github.com/moby/buildkit/client"
)

// dialBuildKit opens a connection for one build, so that ending the build can
// end the connection.
func (e *Engine) dialBuildKit(ctx context.Context) (*buildkit.Client, error) {
	// Both dial for as long as the build lasts: the contexts that the libraries
	// give them outlive it.
	control := func(context.Context, string) (net.Conn, error) {
		return e.hijack(ctx, "/grpc", "h2c", nil)
	}
	side := func(_ context.Context, proto string, meta map[string][]string) (net.Conn, error) {
		return e.hijack(ctx, "/session", proto, meta)
	}
	kit, err := buildkit.New(ctx, "", buildkit.WithContextDialer(control), buildkit.WithSessionDialer(side))
	if err != nil {
		return nil, fmt.Errorf("connect to BuildKit: %w", err)
	}
	return kit, nil
}

func (e *Engine) probeBuildKit(ctx context.Context) (err error) {
	kit, err := e.dialBuildKit(ctx)
	if err != nil {
		return err
	}
	defer kit.Close()
	// No worker has this id: for each that it lists, BuildKit starts a program of
	// every architecture to see which ones run.
	_, err = kit.ControlClient().ListWorkers(ctx, &controlapi.ListWorkersRequest{Filter: []string{"id==none"}})
	return err
}
