// Asking for the status: how often that can be done, and how long it takes while
// something is built. The clients run on the same machine and take their share.
package main

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
	clients    = 16                     // that ask at once for the rates
	keptEach   = 200                    // requests of each over a kept connection
	newEach    = 20                     // requests of each over new connections
	pollPeriod = 100 * time.Millisecond // of each client during a build
)

// ask asks for the status and reads the answer.
func ask(ctx context.Context, client *http.Client, url string) error {
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
		return fmt.Errorf("ask for the status: the server answers %s", response.Status)
	}
	return nil
}

// connection is a client with connections of its own, which are kept or not.
func (env *environment) connection(keep bool) *http.Client {
	transport, ok := env.Server.Client().Transport.(*http.Transport)
	if !ok {
		transport = &http.Transport{}
	}
	transport = transport.Clone()
	transport.DisableKeepAlives = !keep
	return &http.Client{Transport: transport}
}

// rates are how many requests a second are answered, over kept connections and
// with a new connection, and a new TLS handshake, for each.
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
	asking, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range clients {
		asking.Go(func() error {
			client := env.connection(keep)
			defer client.CloseIdleConnections()
			for range each {
				if err := ask(ctx, client, env.Server.URL()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := asking.Wait()
	return float64(clients*each) / time.Since(began).Seconds(), err
}

// pollDuring builds while clients ask for the status ten times a second each, and
// returns how many ms each answer took, and how many s the build.
func (env *environment) pollDuring(ctx context.Context, name string) (latencies []float64, took float64, err error) {
	polling, end := context.WithCancel(ctx)
	defer end()
	var mu sync.Mutex
	var asking errgroup.Group
	for range pollers {
		asking.Go(func() error {
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
	if failed := asking.Wait(); err == nil {
		err = failed
	}
	return latencies, took, err
}

// poll asks until ctx ends, which is no error.
func (env *environment) poll(ctx context.Context) (latencies []float64, err error) {
	client := env.connection(true)
	defer client.CloseIdleConnections()
	again := time.NewTicker(pollPeriod)
	defer again.Stop()
	for {
		began := time.Now()
		if err := ask(ctx, client, env.Server.URL()); ctx.Err() != nil {
			return latencies, nil
		} else if err != nil {
			return latencies, err
		}
		latencies = append(latencies, milliseconds(time.Since(began)))
		select {
		case <-again.C:
		case <-ctx.Done():
			return latencies, nil
		}
	}
}
