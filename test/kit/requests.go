//go:build stack

package kit

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Reply is the server's response to a request that a test sends without the client
// library.
type Reply struct {
	Code   int
	Header http.Header
	Text   string
}

// MediaType returns the media type without its parameters.
func (r Reply) MediaType() string {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return mediaType
}

// Object returns the body as a JSON object, or nil if it is none.
func (r Reply) Object() map[string]any {
	var object map[string]any
	if json.Unmarshal([]byte(r.Text), &object) != nil {
		return nil
	}
	return object
}

// Request sends a request with the client's certificate.
func (env *Environment) Request(t testing.TB, method, path, body string) Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, env.Server.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := env.Server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Reply{response.StatusCode, response.Header, string(text)}
}

// MustRequest sends body as JSON and returns the body of the response. It fails the
// test unless the response has the status code.
func (env *Environment) MustRequest(t testing.TB, code int, method, path string, body any) string {
	t.Helper()
	reply := env.Request(t, method, path, JSON(t, body))
	if reply.Code != code {
		t.Fatalf("%s %s: code %d, want %d: %s", method, path, reply.Code, code, reply.Text)
	}
	return reply.Text
}

// JSON encodes value.
func JSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
