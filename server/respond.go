package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// readBody reads the whole body. The router bounds its size.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, &badRequest{err}
	}
	return bytes.TrimSpace(body), nil
}

// readJSON decodes the body into value. The stock client sends a body with every
// request, so "", {} and an empty body leave value unchanged.
func readJSON(r *http.Request, value any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if len(body) == 0 || string(body) == `""` {
		return nil
	}
	if err := json.Unmarshal(body, value); err != nil {
		return &badRequest{errors.New("not a JSON object of the form this route takes")}
	}
	return nil
}

// writeJSON sends a reply. An error of writing is ignored: it means that the client
// is gone.
func writeJSON(w http.ResponseWriter, code int, value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // statuses hold <NAME> for a secret
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Errorf("encode a reply: %w", err)) // a bug; observe replies for it
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(text.Bytes())
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text)
}
