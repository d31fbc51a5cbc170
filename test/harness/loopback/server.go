package loopback

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// headerTimeout bounds the time to receive the header of a request.
const headerTimeout = 10 * time.Second

// Server is a running HTTP server.
type Server struct {
	server   *http.Server
	listener net.Listener
	stopped  chan error
	silent   sync.Map // keys: each net.Conn without a request so far
}

// Serve starts a server with the handler on a free loopback port, with TLS unless
// config is nil. ctx bounds the start only; Close stops the server.
func Serve(ctx context.Context, handler http.Handler, config *tls.Config) (*Server, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	s := &Server{listener: listener, stopped: make(chan error, 1)}
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, TLSConfig: config, ConnState: s.trackSilent}
	s.server.RegisterOnShutdown(s.closeSilent)
	go func() {
		if config != nil {
			s.stopped <- s.server.ServeTLS(listener, "", "")
			return
		}
		s.stopped <- s.server.Serve(listener)
	}()
	return s, nil
}

// Address returns the server's host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

func (s *Server) trackSilent(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.silent.Store(conn, nil)
	} else {
		s.silent.Delete(conn)
	}
}

// closeSilent closes the connections without a request: clients open some in
// advance, and Shutdown would wait five seconds for them.
func (s *Server) closeSilent() {
	s.silent.Range(func(conn, _ any) bool {
		_ = conn.(net.Conn).Close()
		return true
	})
}

// Close stops the server. It waits for running requests until ctx ends, then closes
// their connections.
func (s *Server) Close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.server.Close())
	}
	if stopped := <-s.stopped; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	if err != nil {
		return fmt.Errorf("stop the server at %s: %w", s.Address(), err)
	}
	return nil
}
