package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/opensbs/sbs/api"
)

// Bounds of the listener for health checks.
const (
	maxHealthConnections = 16
	healthTime           = 5 * time.Second
	maxHealthHeader      = 4 << 10 // bytes
)

// CheckHealthAddress returns an error for an address that is not a loopback address:
// the listener for health checks does not authenticate.
func CheckHealthAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address of the form 127.0.0.1:PORT", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not a loopback address: take 127.0.0.1:PORT or [::1]:PORT", address)
	}
	return nil
}

// ServeHealth serves health checks on listener until ctx ends: 200 while the volume
// can be used, and 503 otherwise, over HTTP without TLS or authentication. The replies
// hold nothing else.
func (s *Server) ServeHealth(ctx context.Context, listener net.Listener) error {
	routes := http.NewServeMux()
	routes.HandleFunc(http.MethodGet+" "+api.PathHealth, s.health)
	h := &http.Server{
		Handler:     http.MaxBytesHandler(routes, 0),
		ReadTimeout: healthTime, WriteTimeout: healthTime, IdleTimeout: healthTime,
		MaxHeaderBytes: maxHealthHeader,
		ErrorLog:       log.New(errorLog{s.Logger}, "", 0),
	}
	stopped := context.AfterFunc(ctx, func() { _ = h.Close() }) // replies are a few bytes, so none is waited for
	defer stopped()
	if err := h.Serve(netutil.LimitListener(listener, maxHealthConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health: %w", err)
	}
	return nil
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if space, err := s.Disk.Space(); err != nil || space.ReadOnly {
		s.Logger.Error("not healthy: the data volume can't be used", "read-only", space.ReadOnly, "error", err)
		writeText(w, http.StatusServiceUnavailable, "the data volume can't be used\n")
		return
	}
	writeText(w, http.StatusOK, "OK\n")
}
