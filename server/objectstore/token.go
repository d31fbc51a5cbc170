package objectstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/IBM/ibm-cos-sdk-go/aws/request"
)

// tokens exchanges an API key for bearer tokens, as documented in the IAM Identity
// Services API ("Create an IAM access token for a user or service ID using an API
// key"), and renews them before they expire.
type tokens struct {
	http     *http.Client
	endpoint string
	apiKey   string
	now      func() time.Time

	mu    sync.Mutex
	token string
	renew time.Time
}

const (
	grantAPIKey = "urn:ibm:params:oauth:grant-type:apikey"
	maxToken    = 64 << 10 // bytes of a response
)

// errAPIKey means that IAM does not accept the API key.
var errAPIKey = errors.New("the token service refuses the API key")

// sign returns a handler that adds a valid token to each request.
func (t *tokens) sign(resourceCRN string) func(*request.Request) {
	return func(r *request.Request) {
		token, err := t.get(r.Context())
		if err != nil {
			r.Error = err
			return
		}
		r.HTTPRequest.Header.Set("Authorization", "Bearer "+token)
		if resourceCRN != "" {
			r.HTTPRequest.Header.Set("ibm-service-instance-id", resourceCRN)
		}
	}
}

func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && t.now().Before(t.renew) {
		return t.token, nil
	}
	pause := firstPause
	for try := 0; ; try++ {
		token, lifetime, again, err := t.exchange(ctx)
		if err == nil {
			// The remaining fifth of its lifetime is enough to use it.
			t.token, t.renew = token, t.now().Add(lifetime*4/5)
			return token, nil
		}
		if !again || try == maxRetries || ctx.Err() != nil {
			return "", ended(ctx, err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return "", context.Cause(ctx)
		}
		pause = min(2*pause, longestWait)
	}
}

// exchange makes one request; again reports whether it may be retried.
func (t *tokens) exchange(ctx context.Context) (token string, lifetime time.Duration, again bool, err error) {
	form := url.Values{"grant_type": {grantAPIKey}, "apikey": {t.apiKey}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, false, fmt.Errorf("get an IAM token: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	response, err := t.http.Do(r)
	if err != nil {
		return "", 0, true, fmt.Errorf("get an IAM token: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxToken))
	switch {
	case err != nil:
		return "", 0, true, fmt.Errorf("get an IAM token: %w", err)
	case response.StatusCode == http.StatusBadRequest, response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return "", 0, false, fmt.Errorf("get an IAM token: %w (%s)", errAPIKey, response.Status)
	case response.StatusCode != http.StatusOK:
		again = response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
		return "", 0, again, fmt.Errorf("get an IAM token: %s returns %s", t.endpoint, response.Status)
	}
	var issued struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}
	// A decoding error would quote the response, which may hold a token.
	if json.Unmarshal(body, &issued) != nil || issued.AccessToken == "" || issued.ExpiresIn <= 0 {
		return "", 0, false, fmt.Errorf("get an IAM token: %s returns no token: is it the address of an IAM token service?", t.endpoint)
	}
	return issued.AccessToken, time.Duration(issued.ExpiresIn) * time.Second, false, nil
}
