package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// headerTimeout bounds the time to receive the header of a request.
const headerTimeout = 10 * time.Second

// Options are the credentials that a proxy requires.
type Options struct {
	User, Password string
}

// Server is a running proxy. Close stops it.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	ended    chan error
	tunnels  sync.WaitGroup

	mu       sync.Mutex
	hosts    map[string]string // target address by the host:port in the request
	tunneled []string
	open     map[net.Conn]struct{}
}

// Start starts a proxy on a free port.
func Start(ctx context.Context, options Options) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy: %w", err)
	}
	s := &Server{options: options, listener: listener, ended: make(chan error, 1), hosts: map[string]string{}, open: map[net.Conn]struct{}{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: headerTimeout}
	go func() { s.ended <- s.http.Serve(listener) }()
	return s, nil
}

// URL returns the value for HTTPS_PROXY, with user name and password.
func (s *Server) URL() *url.URL {
	return &url.URL{Scheme: "http", Host: s.listener.Addr().String(), User: url.UserPassword(s.options.User, s.options.Password)}
}

// AddHost adds a host: the proxy connects requests for name to address.
func (s *Server) AddHost(name, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[name] = address
}

// Tunneled returns the hosts of all tunnels so far, each once, in order.
func (s *Server) Tunneled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tunneled)
}

// Close stops the proxy and closes its tunnels.
func (s *Server) Close(context.Context) error {
	err := s.http.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.mu.Lock()
	for tunnel := range s.open {
		_ = tunnel.Close() // the goroutines that copy end with an error
	}
	s.mu.Unlock()
	s.tunnels.Wait()
	return err
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	// Credentials for a proxy have the same format as for a server, in another header.
	user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header.Values("Proxy-Authorization")}}).BasicAuth()
	if user != s.options.User || password != s.options.Password {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "proxy authentication required", http.StatusProxyAuthRequired)
		return
	}
	s.mu.Lock()
	address, known := s.hosts[r.Host]
	s.mu.Unlock()
	if r.Method != http.MethodConnect || !known {
		http.Error(w, "this proxy opens tunnels to the hosts of its list only", http.StatusForbidden)
		return
	}
	target, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", address)
	if err != nil {
		http.Error(w, "the host can't be reached", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = target.Close()
		return
	}
	s.record(r.Host)
	s.tunnel(client, buffered, target)
}

func (s *Server) record(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.tunneled, name) {
		s.tunneled = append(s.tunneled, name)
	}
}

// tunnel copies in both directions until either side closes its connection.
func (s *Server) tunnel(client net.Conn, buffered io.Reader, target net.Conn) {
	s.tunnels.Add(1)
	defer s.tunnels.Done()
	s.mu.Lock()
	s.open[client], s.open[target] = struct{}{}, struct{}{}
	s.mu.Unlock()
	done := make(chan struct{}, 2)
	pipe := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from) // either side may close the connection at any time
		done <- struct{}{}
	}
	go pipe(target, buffered)
	go pipe(client, target)
	<-done
	_, _ = client.Close(), target.Close()
	<-done
	s.mu.Lock()
	delete(s.open, client)
	delete(s.open, target)
	s.mu.Unlock()
}
