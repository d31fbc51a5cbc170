//go:build stack

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
)

const (
	pollers   = 64
	pollEvery = 500 * time.Millisecond // the interval of each poller; it waits for no event
)

// paths are the paths that are polled.
var paths = []string{api.PathImage, "/log/" + api.BuildLog, api.PathBuilds, api.PathMetrics}

// responses counts the responses to the pollers.
type responses struct {
	mu    sync.Mutex
	good  map[string]int // by path
	busy  int            // refused because the readers of the metrics are limited
	wrong []string
}

var errBusy = errors.New("the server is busy")

// polled calls do while the pollers send requests, each over a separate connection.
// Every request must succeed.
func (env *environment) polled(t *testing.T, do func()) *responses {
	t.Helper()
	r := &responses{good: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range pollers {
		running.Go(func() { env.poll(ctx, paths[i%len(paths)], time.Duration(i)*pollEvery/pollers, r) })
	}
	do()
	stop()
	running.Wait()
	for _, wrong := range r.wrong[:min(len(r.wrong), 10)] {
		t.Errorf("one of %d requests that failed: %s", len(r.wrong), wrong)
	}
	return r
}

// poll requests a path after first, and then periodically until ctx ends.
func (env *environment) poll(ctx context.Context, path string, first time.Duration, r *responses) {
	transport := env.Server.Client().Transport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Reset(pollEvery)
		err := get(ctx, &http.Client{Transport: transport}, env.Server.URL()+path)
		if ctx.Err() != nil {
			return
		}
		r.add(path, err)
	}
}

// get requests a URL. It returns errBusy when the metrics are busy.
func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if response.StatusCode == http.StatusServiceUnavailable && strings.HasSuffix(url, api.PathMetrics) {
		return errBusy
	}
	if err == nil && (response.StatusCode != http.StatusOK || len(text) == 0) {
		err = fmt.Errorf("%s: %.200s", response.Status, text)
	}
	return err
}

func (r *responses) add(path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, errBusy):
		r.busy++
	case err != nil:
		r.wrong = append(r.wrong, path+": "+err.Error())
	default:
		r.good[path]++
	}
}

func (r *responses) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "responses to %d pollers:", pollers)
	for _, path := range paths {
		fmt.Fprintf(&text, " %s %d,", path, r.good[path])
	}
	fmt.Fprintf(&text, " busy %d, wrong %d\n", r.busy, len(r.wrong))
	return text.String()
}
