package main

// Requests for the status: their rate, and their latency during a build. The clients run
// on the same machine, and use some of its capacity.

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api"
)

const (
	clients    = 16                     // concurrent clients for the rates
	keptEach   = 200                    // requests of each over a persistent connection
	newEach    = 20                     // requests of each over new connections
	pollPeriod = 100 * time.Millisecond // of each client during a build
)

// getStatus requests the status and reads the response.
func getStatus(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+api.PathImage, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("request the status: the server returned %s", response.Status)
	}
	return nil
}

// connection returns a client with its own connections. Without keep it opens one for
// each request.
func (env *environment) connection(keep bool) *http.Client {
	transport, ok := env.Server.Client().Transport.(*http.Transport)
	if !ok {
		transport = &http.Transport{}
	}
	transport = transport.Clone()
	transport.DisableKeepAlives = !keep
	return &http.Client{Transport: transport}
}

// rates returns the requests per second over persistent connections, and with a new
// connection and TLS handshake for each request.
func (b *bench) rates(ctx context.Context, env *environment) (kept, renewed []float64, err error) {
	for range b.rounds {
		rate, err := env.rate(ctx, true, keptEach)
		if err != nil {
			return nil, nil, err
		}
		kept = append(kept, rate)
		if rate, err = env.rate(ctx, false, newEach); err != nil {
			return nil, nil, err
		}
		renewed = append(renewed, rate)
	}
	return kept, renewed, nil
}

func (env *environment) rate(ctx context.Context, keep bool, each int) (float64, error) {
	running, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range clients {
		running.Go(func() error {
			client := env.connection(keep)
			defer client.CloseIdleConnections()
			for range each {
				if err := getStatus(ctx, client, env.Server.URL()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := running.Wait()
	return float64(clients*each) / time.Since(began).Seconds(), err
}

// pollDuring builds while clients request the status ten times a second each. It returns
// the latencies in ms, and the time of the build in s.
func (env *environment) pollDuring(ctx context.Context, name string) (latencies []float64, took float64, err error) {
	polling, end := context.WithCancel(ctx)
	defer end()
	var mu sync.Mutex
	var running errgroup.Group
	for range pollers {
		running.Go(func() error {
			mine, err := env.poll(polling)
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
			return err
		})
	}
	began := time.Now()
	err = env.build(ctx, name)
	took = time.Since(began).Seconds()
	end()
	if failed := running.Wait(); err == nil {
		err = failed
	}
	return latencies, took, err
}

// poll requests the status periodically until ctx ends, and returns the latencies in ms.
func (env *environment) poll(ctx context.Context) (latencies []float64, err error) {
	client := env.connection(true)
	defer client.CloseIdleConnections()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		began := time.Now()
		if err := getStatus(ctx, client, env.Server.URL()); ctx.Err() != nil {
			return latencies, nil
		} else if err != nil {
			return latencies, err
		}
		latencies = append(latencies, milliseconds(time.Since(began)))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return latencies, nil
		}
	}
}
