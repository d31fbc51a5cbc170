//go:build stack

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"

	"github.com/opensbs/sbs/api"
)

// clientGone: a client breaks off in the middle of a request. It has a way of its
// own to the server; the builds are followed on another.
var clientGone = fault{
	name: "client gone",
	moments: []moment{
		{"that follows the build", func(env *environment, random *rand.Rand) *injection {
			status := statuses[random.IntN(len(statuses))]
			return &injection{inject: func(ctx context.Context) error { return env.breakOffFollowing(ctx, status) }}
		}},
		{"that sends a state", func(env *environment, random *rand.Rand) *injection {
			size := 1 + random.Int64N(1<<20)
			return &injection{inject: func(ctx context.Context) error { return env.breakOffSending(ctx, size) }}
		}},
	},
}

var (
	errReached = errors.New("the build has come so far")
	errHungUp  = errors.New("the client hung up")
)

// breakOffFollowing follows the build that runs, and hangs up at a status.
func (env *environment) breakOffFollowing(ctx context.Context, status string) error {
	_, err := env.Client.Events(ctx, func(event api.Event) error {
		if event.Status != nil && event.Status.Status == status {
			return errReached
		}
		return nil
	})
	if !errors.Is(err, errReached) {
		return fmt.Errorf("follow the build until %q: %w", status, err)
	}
	return nil
}

// breakOffSending begins to send a state, and hangs up after size bytes at the
// latest: the server may refuse it before that.
func (env *environment) breakOffSending(ctx context.Context, size int64) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	body, sent := io.Pipe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.CopyN(sent, blanks{}, size) // an error: the server has refused the rest
		hangUp()
		_ = sent.CloseWithError(errHungUp) // else the connection waits for the rest for good
	}()
	defer func() { <-over }()
	defer body.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, env.Server.URL()+api.PathStateImage, body)
	if err != nil {
		return err
	}
	request.ContentLength = size + 1<<20
	request.Header.Set("Content-Type", "application/json")
	response, err := env.Server.Client().Do(request)
	if err != nil {
		return nil // hung up
	}
	if response.StatusCode < http.StatusBadRequest {
		err = fmt.Errorf("the server answers %s to a part of a state", response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// blanks are the blanks before a text in JSON that never comes.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
