package registry

// A registry that is busy says so, and often for how long. It is asked again
// here, for signers and verifiers alike, token requests included.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	maxRetries   = 12              // of one request
	firstBackoff = time.Second     // where the server says no time; doubled each time
	maxWait      = time.Minute     // for one retry; a server that wants a longer one is not waited for
	maxWaits     = 3 * time.Minute // of one request, together
	waitTick     = time.Second     // how often waiting counts as progress
	maxDrained   = 64 << 10        // bytes of a refusal that are read so that its connection can be used again
)

// retrying repeats requests that a server refuses because it is busy: with 429,
// 502, 503 or 504 (RFC 9110, section 15.6; RFC 6585, section 4).
type retrying struct {
	base     http.RoundTripper
	notice   func(text string) // may be nil
	progress func()            // may be nil
}

// RoundTrip returns the last answer when it gives up.
func (r *retrying) RoundTrip(request *http.Request) (*http.Response, error) {
	var waited time.Duration
	for retries := 0; ; retries++ {
		response, err := r.base.RoundTrip(request)
		if err != nil || !isBusy(response.StatusCode) || retries == maxRetries {
			return response, err
		}
		wait := waitFor(response, retries, time.Now())
		again, ok := rewind(request)
		if !ok || wait > maxWait || waited+wait > maxWaits {
			return response, nil
		}
		waited += wait
		if err := r.wait(request, response, wait); err != nil {
			return nil, err
		}
		request = again
	}
}

func isBusy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// waitFor is the time that the answer asks for in Retry-After, in seconds or as
// a date (RFC 9110, section 10.2.3), and otherwise one that grows.
func waitFor(response *http.Response, retries int, now time.Time) time.Duration {
	asked := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(asked, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(asked); err == nil {
		return max(date.Sub(now), 0)
	}
	return min(firstBackoff<<min(retries, 10), maxWait)
}

// rewind is the same request once more; not every body can be read again.
func rewind(request *http.Request) (*http.Request, bool) {
	again := request.Clone(request.Context())
	if request.Body == nil || request.Body == http.NoBody {
		return again, true
	}
	if request.GetBody == nil {
		return nil, false
	}
	body, err := request.GetBody()
	again.Body = body
	return again, err == nil
}

// wait ends early with the request's context. The server has been heard from, so
// that the time counts as progress.
func (r *retrying) wait(request *http.Request, refusal *http.Response, wait time.Duration) error {
	_, err := io.CopyN(io.Discard, refusal.Body, maxDrained)
	if err == nil || errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, refusal.Body.Close()); err != nil {
		return fmt.Errorf("read the answer of %s: %w", request.URL.Host, err)
	}
	if r.notice != nil {
		r.notice(fmt.Sprintf("%s answered %s %s with HTTP status %d (%s): asking again in %v",
			request.URL.Host, request.Method, request.URL.Path, refusal.StatusCode, http.StatusText(refusal.StatusCode), wait))
	}
	return r.sleep(request.Context(), wait)
}

func (r *retrying) sleep(ctx context.Context, wait time.Duration) error {
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(waitTick)
	defer tick.Stop()
	for {
		if r.progress != nil {
			r.progress()
		}
		select {
		case <-over.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
