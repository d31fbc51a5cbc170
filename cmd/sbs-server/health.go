package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server"
)

// healthTime bounds asking a server for its health.
const healthTime = 5 * time.Second

// healthListener listens at the address for checks of the server's health; it
// returns nil for "".
func healthListener(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen (set %s to another address): %w", envHealth, err)
	}
	return listener, nil
}

// serveHealth serves on listener until stop is called, which returns what went
// wrong.
func serveHealth(ctx context.Context, s *server.Server, listener net.Listener) (stop func() error) {
	if listener == nil {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.ServeHealth(ctx, listener) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// askHealth requests the health of the server of this environment: for the health
// check of a container, whose image has no other program.
func askHealth(ctx context.Context, getenv func(string) string) error {
	address := getenv(envHealth)
	if address == "" {
		return errors.New("health: set " + envHealth + " to the address that the server reports its health at")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+api.PathHealth, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: the server returns %s", response.Status)
	}
	return nil
}
