package httpclient

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
	firstBackoff = time.Second     // where the server gives no time; doubled each time
	maxWait      = time.Minute     // for one retry; a server that requires a longer one is not waited for
	maxWaits     = 3 * time.Minute // of one request, together
	waitTick     = time.Second     // how often waiting counts as progress
	maxDrained   = 64 << 10        // bytes of a refusal that are read so that its connection can be used again
)

// Retrying is a RoundTripper that repeats requests that a busy server refuses: with
// 429, 502, 503 or 504 (RFC 9110, section 15.6; RFC 6585, section 4). It waits for
// as long as the server asks for, within bounds.
type Retrying struct {
	Base     http.RoundTripper
	Notice   func(text string) // called before each wait, with no path or query, which may hold a signature; may be nil
	Progress func()            // called while it waits; may be nil
}

// RoundTrip implements http.RoundTripper. When it gives up it returns the last
// response.
func (r *Retrying) RoundTrip(request *http.Request) (*http.Response, error) {
	var waited time.Duration
	for retries := 0; ; retries++ {
		response, err := r.Base.RoundTrip(request)
		if err != nil || !IsBusy(response.StatusCode) || retries == maxRetries {
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

// IsBusy reports whether a status means that the server is busy: the same request
// may succeed later.
func IsBusy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// waitFor returns the time that the response asks for in Retry-After, in seconds or as
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

// rewind returns the same request once more. Not every body can be read again.
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
func (r *Retrying) wait(request *http.Request, refusal *http.Response, wait time.Duration) error {
	_, err := io.CopyN(io.Discard, refusal.Body, maxDrained)
	if err == nil || errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, refusal.Body.Close()); err != nil {
		return fmt.Errorf("read the response of %s: %w", request.URL.Host, err)
	}
	if r.Notice != nil {
		r.Notice(fmt.Sprintf("%s replied to %s with HTTP status %d (%s): the request is sent again in %v",
			request.URL.Host, request.Method, refusal.StatusCode, http.StatusText(refusal.StatusCode), wait))
	}
	return r.sleep(request.Context(), wait)
}

func (r *Retrying) sleep(ctx context.Context, wait time.Duration) error {
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(waitTick)
	defer tick.Stop()
	for {
		if r.Progress != nil {
			r.Progress()
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
