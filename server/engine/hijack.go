package engine

// The library's upgrade of a connection waits for the Engine's response without
// regard to the context. An Engine that hangs must not hold up a build that is
// being cancelled, so the connection is closed under it when the context ends.

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/docker/docker/client"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// handshakeKey is the context key of the *handshake that a dial belongs to.
type handshakeKey struct{}

// handshake is one upgrade in progress.
type handshake struct {
	release func() bool // keeps the end of the context from closing the connection
}

// abortable is an option of the client: it lets a dial note its connection in
// the handshake of its context. TLS connections are dialed past it.
func abortable(api *client.Client) error {
	transport, ok := api.HTTPClient().Transport.(*http.Transport)
	if !ok || transport.DialContext == nil {
		return nil
	}
	transport.DialContext = closeOnEnd(transport.DialContext)
	return nil
}

func closeOnEnd(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if h, ok := ctx.Value(handshakeKey{}).(*handshake); ok {
			h.release = context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, nil
	}
}

// hijack upgrades a new connection to the endpoint at path.
func (e *Engine) hijack(ctx context.Context, path, proto string, meta map[string][]string) (net.Conn, error) {
	h := &handshake{release: func() bool { return true }}
	conn, err := e.api.DialHijack(context.WithValue(ctx, handshakeKey{}, h), path, proto, meta)
	if !h.release() && err == nil {
		conn.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, ended(ctx, err))
	}
	return conn, nil
}
