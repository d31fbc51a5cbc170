package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/opensbs/sbs/api"
)

// maxEvent bounds one line of the events stream, in bytes: a line of a build's
// log, or a status.
const maxEvent = 4 << 20

// ErrInterrupted means that the events stream ended while a build still ran,
// for instance because the server was restarted.
var ErrInterrupted = errors.New("the server stopped reporting before the build ended")

// Events calls handle for every event of the running or last build, from its
// beginning, in order, until the build has ended, and returns the last status.
// It returns early when ctx ends or handle fails.
func (c *Client) Events(ctx context.Context, handle func(api.Event) error) (api.Status, error) {
	const operation = "follow build"
	response, err := c.send(ctx, request{operation, http.MethodGet, api.PathEvents, emptyBody})
	if err != nil {
		return api.Status{}, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(make([]byte, 64<<10), maxEvent)
	last := api.Status{Building: true}
	for lines.Scan() {
		var event api.Event
		if err := unmarshal(operation, lines.Bytes(), &event); err != nil {
			return last, err
		}
		if event.Status != nil {
			last = *event.Status
		}
		if err := handle(event); err != nil {
			return last, fmt.Errorf("%s: %w", operation, err)
		}
	}
	if err := lines.Err(); err != nil || ctx.Err() != nil {
		return last, c.unreachable(ctx, operation, err, true)
	}
	if last.Building {
		return last, &Error{Operation: operation, Message: ErrInterrupted.Error(), cause: ErrInterrupted, Fault: FaultStreamEnded}
	}
	return last, nil
}

// Log writes a log of the server to w as it comes; api.BuildLog is the one
// every server has.
func (c *Client) Log(ctx context.Context, name string, w io.Writer) error {
	const operation = "log"
	response, err := c.send(ctx, request{operation, http.MethodGet, logPath(name), emptyBody})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	found := false
	object := newObject(response.Body)
	err = object.each(func(key string) error {
		if key != "log" {
			return object.skip()
		}
		found = true
		_, err := io.Copy(w, io.LimitReader(object.text(), maxLog))
		return err
	})
	if err != nil {
		return c.broken(ctx, operation, err)
	}
	if !found {
		return unexpected(operation, "the reply has no log")
	}
	return nil
}

// maxLog and maxManifest bound what is written to a disk, in bytes.
const (
	maxLog      = 4 << 30
	maxManifest = 64 << 30
)

// broken returns the error for a reply that was interrupted or corrupted.
func (c *Client) broken(ctx context.Context, operation string, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, errNotJSON) {
		return unexpected(operation, fmt.Sprintf("the reply can't be read: %v", err))
	}
	return c.unreachable(ctx, operation, err, true)
}
