package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds of a connection.
const (
	maxConnections    = 1024
	maxHeader         = 16 << 10         // bytes
	shutdownTime      = 10 * time.Second // for running requests when the server stops
	buildShutdownTime = 20 * time.Second // for the running build when the server stops
)

// timeouts bounds how long the server waits for a client.
type timeouts struct {
	header time.Duration // TLS handshake, and a request's header
	body   time.Duration // header and body
	idle   time.Duration
}

var defaultTimeouts = timeouts{header: 10 * time.Second, body: time.Minute, idle: 2 * time.Minute}

var errShutdown = errors.New("the server was shut down: start the build again when it is up")

// Serve serves the protocol on listener until ctx ends. Then it accepts no new
// requests, waits for running requests, and stops the running build. It returns
// within half a minute after ctx ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener, config *tls.Config) error {
	// Streams of events end with this context, so that Shutdown does not wait for
	// clients that follow a build.
	requests, endRequests := context.WithCancelCause(context.WithoutCancel(ctx))
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		s.metrics.Follow(requests, s.Slot)
	}()
	defer func() { <-counted }()
	h := &http.Server{
		Handler:           s.Routes(),
		TLSConfig:         config,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: s.timeouts.header,
		ReadTimeout:       s.timeouts.body,
		IdleTimeout:       s.timeouts.idle,
		MaxHeaderBytes:    maxHeader,
		ConnState:         newUnauthenticated().watch,
		ErrorLog:          log.New(errorLog{s.Logger}, "", 0),
	}
	failed := make(chan error, 1)
	go func() {
		failed <- h.ServeTLS(netutil.LimitListener(listener, maxConnections), "", "")
	}()
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		s.Logger.Info("shutting down")
	}
	return errors.Join(err, s.stop(context.WithoutCancel(ctx), h, endRequests))
}

func (s *Server) stop(ctx context.Context, h *http.Server, endRequests context.CancelCauseFunc) error {
	endRequests(errStopping)
	requestsEnd, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	err := h.Shutdown(requestsEnd)
	if err != nil {
		err = errors.Join(fmt.Errorf("shut down: %w", err), h.Close())
	}
	buildEnd, cancel := context.WithTimeout(ctx, buildShutdownTime)
	defer cancel()
	return errors.Join(err, s.Slot.Stop(buildEnd, errShutdown))
}
