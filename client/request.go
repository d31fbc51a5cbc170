package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"unicode"

	"github.com/opensbs/sbs/api"
)

// request is one call of a route.
type request struct {
	operation string // for errors: the command's name
	method    string
	path      string
	body      any // made JSON; every request has one, GET included, as the server expects
}

// emptyBody is the body of a request without one.
const emptyBody = ""

// maxReply bounds every reply that is held in memory, in bytes.
const maxReply = 4 << 20

// send returns a successful reply, whose body the caller closes, or an *Error.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	body, err := json.Marshal(r.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.operation, err)
	}
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true }, // the TLS handshake is over
	})
	httpRequest, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.operation, err)
	}
	httpRequest.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(httpRequest)
	if err != nil {
		return nil, c.unreachable(ctx, r.operation, err, connected)
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, refusal(r.operation, response)
}

// value sends r and decodes the reply into value.
func (c *Client) value(ctx context.Context, r request, value any) error {
	response, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if err != nil {
		return c.unreachable(ctx, r.operation, err, true)
	}
	if len(data) > maxReply {
		return unexpected(r.operation, "the reply is longer than any reply should be")
	}
	return unmarshal(r.operation, data, value)
}

func (c *Client) answer(ctx context.Context, r request) (api.Answer, error) {
	var answer api.Answer
	err := c.value(ctx, r, &answer)
	return answer, err
}

func unmarshal(operation string, data []byte, value any) error {
	if err := json.Unmarshal(data, value); err != nil {
		return unexpected(operation, fmt.Sprintf("the reply can't be read: %v", err))
	}
	return nil
}

// refusal reads the server's reply about a failure: an api.Answer, or plain text on
// the routes where the stock client expects that.
func refusal(operation string, response *http.Response) error {
	failed := &Error{Operation: operation, HTTPStatus: response.StatusCode}
	data, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		failed.Message, failed.cause = "the reply broke off", err
		return failed
	}
	var answer api.Answer
	switch err := json.Unmarshal(data, &answer); {
	case err == nil && answer.Status != "":
		failed.Message, failed.Code, failed.Key = answer.Status, answer.Code, answer.Key
	case len(data) > 0:
		failed.Message = string(data)
	default:
		failed.Message = response.Status
	}
	failed.Message = OneLine(failed.Message)
	return failed
}

// OneLine returns a text that the server sent, sanitized for terminals: without control
// characters.
func OneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
}

// unexpected is the error for a reply that no Secure Build Server sends.
func unexpected(operation, message string) error {
	return &Error{Operation: operation, Message: message}
}
