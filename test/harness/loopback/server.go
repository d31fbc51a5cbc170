// An HTTP server that is up when Serve returns and gone when Close returns:
// the parts of the local stack need nothing more of one another.
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

// headerTimeout bounds how long a client may take over its request's header.
const headerTimeout = 10 * time.Second

// Server is a running HTTP server.
type Server struct {
	server   *http.Server
	listener net.Listener
	stopped  chan error
	silent   sync.Map // of net.Conn: those on which nothing was said yet
}

// Serve answers handler on a free loopback port, over TLS when config is not
// nil. ctx bounds the start only; Close stops the server.
func Serve(ctx context.Context, handler http.Handler, config *tls.Config) (*Server, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	s := &Server{listener: listener, stopped: make(chan error, 1)}
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, TLSConfig: config, ConnState: s.watch}
	s.server.RegisterOnShutdown(s.hangUp)
	go func() {
		if config != nil {
			s.stopped <- s.server.ServeTLS(listener, "", "")
			return
		}
		s.stopped <- s.server.Serve(listener)
	}()
	return s, nil
}

// Address is the server's host and port.
func (s *Server) Address() string { return s.listener.Addr().String() }

func (s *Server) watch(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.silent.Store(conn, nil)
	} else {
		s.silent.Delete(conn)
	}
}

// hangUp closes the connections on which nothing was said. Shutdown would wait for
// them for five seconds, and clients open some in reserve.
func (s *Server) hangUp() {
	s.silent.Range(func(conn, _ any) bool {
		_ = conn.(net.Conn).Close()
		return true
	})
}

// Close lets running requests end until ctx does, then cuts them off.
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
