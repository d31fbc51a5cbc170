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
	pollers  = 64
	askEvery = 500 * time.Millisecond // each of them; it is no wait for anything
)

// paths are what is asked for.
var paths = []string{api.PathImage, "/log/" + api.BuildLog, api.PathBuilds, api.PathMetrics}

// answers counts what the pollers got.
type answers struct {
	mu    sync.Mutex
	good  map[string]int // by path
	busy  int            // told to come back later: only so many may read the metrics at once
	wrong []string
}

var errBusy = errors.New("the server is busy")

// polled runs do while the pollers ask, each over a connection of its own. Every
// request must be answered.
func (env *environment) polled(t *testing.T, do func()) *answers {
	t.Helper()
	a := &answers{good: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range pollers {
		running.Go(func() { env.poll(ctx, paths[i%len(paths)], time.Duration(i)*askEvery/pollers, a) })
	}
	do()
	stop()
	running.Wait()
	for _, wrong := range a.wrong[:min(len(a.wrong), 10)] {
		t.Errorf("one of %d requests that went wrong: %s", len(a.wrong), wrong)
	}
	return a
}

// poll asks for a path, first after a while and then again and again, until ctx
// ends.
func (env *environment) poll(ctx context.Context, path string, first time.Duration, a *answers) {
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
		timer.Reset(askEvery)
		err := ask(ctx, &http.Client{Transport: transport}, env.Server.URL()+path)
		if ctx.Err() != nil {
			return
		}
		a.add(path, err)
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
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

func (a *answers) add(path string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, errBusy):
		a.busy++
	case err != nil:
		a.wrong = append(a.wrong, path+": "+err.Error())
	default:
		a.good[path]++
	}
}

func (a *answers) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "%d pollers were answered:", pollers)
	for _, path := range paths {
		fmt.Fprintf(&text, " %s %d,", path, a.good[path])
	}
	fmt.Fprintf(&text, " busy %d, wrongly %d\n", a.busy, len(a.wrong))
	return text.String()
}
