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

// headerTime bounds how long a client may take to say what it wants.
const headerTime = 10 * time.Second

// Options says whom a proxy serves.
type Options struct {
	User, Password string
}

// Server is a running proxy. Close it.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	ended    chan error
	tunnels  sync.WaitGroup

	mu    sync.Mutex
	hosts map[string]string // host:port by the host:port that clients ask for
	seen  []string
	open  map[net.Conn]struct{}
}

// Start starts a proxy on a free port.
func Start(ctx context.Context, options Options) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy: %w", err)
	}
	s := &Server{options: options, listener: listener, ended: make(chan error, 1), hosts: map[string]string{}, open: map[net.Conn]struct{}{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: headerTime}
	go func() { s.ended <- s.http.Serve(listener) }()
	return s, nil
}

// URL is what HTTPS_PROXY takes, user and password included.
func (s *Server) URL() *url.URL {
	return &url.URL{Scheme: "http", Host: s.listener.Addr().String(), User: url.UserPassword(s.options.User, s.options.Password)}
}

// Know adds a host: the address behind a name.
func (s *Server) AddHost(name, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[name] = address
}

// Seen are the names that tunnels were made to, each once, in order.
func (s *Server) Tunneled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Close ends the proxy and its tunnels.
func (s *Server) Close(context.Context) error {
	err := s.http.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.mu.Lock()
	for tunnel := range s.open {
		_ = tunnel.Close() // its copies end, and that is all
	}
	s.mu.Unlock()
	s.tunnels.Wait()
	return err
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	// Proxies take the same form of credentials as servers, in another header.
	user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header.Values("Proxy-Authorization")}}).BasicAuth()
	if user != s.options.User || password != s.options.Password {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	s.mu.Lock()
	address, known := s.hosts[r.Host]
	s.mu.Unlock()
	if r.Method != http.MethodConnect || !known {
		http.Error(w, "this proxy makes tunnels to hosts that it knows", http.StatusForbidden)
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
	s.saw(r.Host)
	s.tunnel(client, buffered, target)
}

func (s *Server) saw(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.seen, name) {
		s.seen = append(s.seen, name)
	}
}

// tunnel copies both ways until either side ends.
func (s *Server) tunnel(client net.Conn, buffered io.Reader, target net.Conn) {
	s.tunnels.Add(1)
	defer s.tunnels.Done()
	s.mu.Lock()
	s.open[client], s.open[target] = struct{}{}, struct{}{}
	s.mu.Unlock()
	done := make(chan struct{}, 2)
	pipe := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from) // either side may hang up at any time
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
