package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/opensbs/sbs/api"
)

// The reply shows whether the server or the client ended a request: only the first
// may be repeated.
func TestEndedRequests(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		code  int
		says  api.Code
	}{
		"by the server": {errStopping, http.StatusServiceUnavailable, api.CodeStopping},
		"by the client": {nil, http.StatusBadRequest, api.CodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			end(test.cause)
			request := httptest.NewRequestWithContext(ctx, http.MethodGet, api.PathImage, nil)
			code, got := (&Server{}).failure(request, fmt.Errorf("read the log: %w", ctx.Err()))
			if code != test.code || got.Code != test.says {
				t.Errorf("got %d, %s", code, got.Code)
			}
		})
	}
}
