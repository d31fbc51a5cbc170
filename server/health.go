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

// Bounds of the port that tells the server's health.
const (
	maxHealthConnections = 16
	healthTime           = 5 * time.Second
	maxHealthHeader      = 4 << 10 // bytes
)

// CheckHealthAddress refuses an address that others than this machine reach:
// what listens there asks nobody who they are.
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

// ServeHealth answers on listener, over plain HTTP and to anyone, whether the
// server serves, until ctx ends: 200 while the volume can be used, 503 else.
// Nothing more is told there.
func (s *Server) ServeHealth(ctx context.Context, listener net.Listener) error {
	routes := http.NewServeMux()
	routes.HandleFunc(http.MethodGet+" "+api.PathHealth, s.health)
	h := &http.Server{
		Handler:     http.MaxBytesHandler(routes, 0),
		ReadTimeout: healthTime, WriteTimeout: healthTime, IdleTimeout: healthTime,
		MaxHeaderBytes: maxHealthHeader,
		ErrorLog:       log.New(complaints{s.Logger}, "", 0),
	}
	stopped := context.AfterFunc(ctx, func() { _ = h.Close() }) // a reply of a few bytes need not be waited for
	defer stopped()
	if err := h.Serve(netutil.LimitListener(listener, maxHealthConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health: %w", err)
	}
	return nil
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if space, err := s.Volume.Space(); err != nil || space.ReadOnly {
		s.Logger.Error("not healthy: the data volume can't be used", "read-only", space.ReadOnly, "error", err)
		writeText(w, http.StatusServiceUnavailable, "the data volume can't be used\n")
		return
	}
	writeText(w, http.StatusOK, "OK\n")
}
