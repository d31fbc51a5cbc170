package registry

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func TestSignatureExtension(t *testing.T) {
	server, err := Start(t.Context(), t.TempDir(), WithSignatures)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const digest = "sha256:0a0a"
	const path = "/extensions/v2/ns/app/signatures/" + digest
	valid := `{"schemaVersion":2,"name":"` + digest + `@` + strings.Repeat("0", 32) + `","type":"atomic","content":"AAAA"}`
	unknown := Account{User: "unknown", Password: "none"}
	for _, step := range []struct {
		name    string
		method  string
		path    string
		body    string
		account Account
		status  int
	}{
		{"an unknown user reads", http.MethodGet, path, "", unknown, http.StatusUnauthorized},
		{"an unknown user writes", http.MethodPut, path, valid, unknown, http.StatusUnauthorized},
		{"the reader writes", http.MethodPut, path, valid, server.Reader(), http.StatusForbidden},
		{"the writer writes", http.MethodPut, path, valid, server.Writer(), http.StatusCreated},
		{"the reader reads", http.MethodGet, path, "", server.Reader(), http.StatusOK},
		{"another digest in the name", http.MethodPut, path, strings.Replace(valid, digest, "sha256:0b", 1), server.Writer(), http.StatusBadRequest},
		{"another version", http.MethodPut, path, strings.Replace(valid, ":2", ":1", 1), server.Writer(), http.StatusBadRequest},
		{"no JSON", http.MethodPut, path, "{", server.Writer(), http.StatusBadRequest},
		{"no delete", http.MethodDelete, path, "", server.Writer(), http.StatusMethodNotAllowed},
		{"the registry itself", http.MethodGet, "/v2/", "", server.Reader(), http.StatusOK},
		{"an unknown user reads the registry", http.MethodGet, "/v2/", "", unknown, http.StatusUnauthorized},
	} {
		t.Run(step.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), step.method, "http://"+server.Address()+step.path, strings.NewReader(step.body))
			if err != nil {
				t.Fatal(err)
			}
			request.SetBasicAuth(step.account.User, step.account.Password)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Body.Close(); err != nil {
				t.Fatal(err)
			}
			supports := response.Header.Get("X-Registry-Supports-Signatures") == "1"
			if response.StatusCode != step.status || supports != (step.path == "/v2/") {
				t.Errorf("status %d, want %d; extension announced: %v", response.StatusCode, step.status, supports)
			}
		})
	}
}
