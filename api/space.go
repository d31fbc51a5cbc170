package api

import (
	"encoding/json"
	"slices"
	"strings"
)

// trimmed returns a value of one line without white space around it, which is hard
// to see and means nothing. A text of several lines, such as a key, is returned as
// it is.
func trimmed(text string) string {
	if bare := strings.TrimSpace(text); !strings.ContainsAny(bare, "\r\n") {
		return bare
	}
	return text
}

// secretSpace returns the problem of a secret with white space around it. It is not
// taken off, because a password may have it; it is not taken, because it hardly
// ever has, and the login would fail hours later.
func secretSpace(text string) string {
	if text != "" && trimmed(text) != text {
		return "begins or ends with white space: take it off"
	}
	return ""
}

// WithoutSpace returns the value of a parameter as the server reads it: a text that
// is no secret without the white space around it, and all else as it is.
func WithoutSpace(key string, value json.RawMessage) json.RawMessage {
	var text string
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
	if i < 0 || fields[i].secret || len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &text) != nil || trimmed(text) == text {
		return value
	}
	bare, err := json.Marshal(trimmed(text))
	if err != nil {
		return value
	}
	return bare
}
