package engine

// The Engine reports what went wrong in a build as a line of text in a stream. Only
// this file maps such a text to a kind of error.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/docker/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/opensbs/sbs/server/builder"
)

var (
	// ErrUnreachable means that no Docker Engine replied.
	ErrUnreachable = errors.New("no Docker Engine replies")

	// ErrUnauthorized means that a registry refused the credentials, or that
	// they do not allow what was asked.
	ErrUnauthorized = builder.ErrUnauthorized

	// ErrStopped means that the Docker Engine ended, or was restarted, while it
	// built. Nobody knows which: what is built may have ended it.
	ErrStopped = fmt.Errorf("%w: the Docker Engine was stopped or restarted, or this Dockerfile or one of its steps ended it: look in the engine's log before you build it again", builder.ErrStopped)
)

// unreachable returns an error with the address that did not reply and what to do.
func unreachable(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !client.IsErrConnectionFailed(err) {
		return err
	}
	return fmt.Errorf("%w at %s: start it (systemctl start docker), give this user access to it, or set DOCKER_HOST: %w", ErrUnreachable, host, err)
}

// offersNoBuildKit reports whether an Engine reports that it has no such service:
// it does not know the path of BuildKit's API, or the method. The library keeps of
// the HTTP status only its text.
func offersNoBuildKit(err error) bool {
	text := err.Error()
	return status.Code(err) == codes.Unimplemented || strings.Contains(text, "received 404") || strings.Contains(text, "received 501")
}

// ended gives the reason why ctx ended, when it did, else err: an operation cut
// short reports that and not the broken connection it saw.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// discard closes e after err and keeps both errors.
func discard(e *Engine, err error) error {
	return errors.Join(err, e.Close())
}
