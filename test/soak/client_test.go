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

// clientGone: a client closes its connection in the middle of a request. The builds
// are followed over another connection.
var clientGone = fault{
	name: "client gone",
	moments: []moment{
		{"that follows the build", func(env *environment, random *rand.Rand) *injection {
			status := statuses[random.IntN(len(statuses))]
			return &injection{inject: func(ctx context.Context) error { return env.abortFollowing(ctx, status) }}
		}},
		{"that sends a state", func(env *environment, random *rand.Rand) *injection {
			size := 1 + random.Int64N(1<<20)
			return &injection{inject: func(ctx context.Context) error { return env.abortSending(ctx, size) }}
		}},
	},
}

var (
	errReached = errors.New("the build has the status")
	errAborted = errors.New("the client closed the connection")
)

// abortFollowing follows the running build and closes the connection at a status.
func (env *environment) abortFollowing(ctx context.Context, status string) error {
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

// abortSending starts to send a state and closes the connection after size bytes, or
// when the server refuses the state before that.
func (env *environment) abortSending(ctx context.Context, size int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, sent := io.Pipe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.CopyN(sent, blanks{}, size) // an error means that the server has refused the rest
		cancel()
		_ = sent.CloseWithError(errAborted) // otherwise the connection waits for the rest
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
		return nil // aborted
	}
	if response.StatusCode < http.StatusBadRequest {
		err = fmt.Errorf("the server returned %s for a part of a state", response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// blanks is a reader of white space, as may precede a JSON text.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
