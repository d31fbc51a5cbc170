package registry

// The signature extension API of the registries of OpenShift and IBM, which the
// distribution library does not have.

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxSignature bounds one signature with its JSON, in bytes.
const maxSignature = 1 << 20

// signatures serves the signature extension API of OpenShift's registry, with the
// signatures in memory: GET and PUT
// /extensions/v2/<repository>/signatures/<digest>.
type signatures struct {
	next http.Handler

	mu     sync.Mutex
	stored map[string][]json.RawMessage // by path
}

// WithSignatures adds the signature extension API to a registry.
func WithSignatures(next http.Handler) http.Handler {
	return &signatures{next: next, stored: map[string][]json.RawMessage{}}
}

func (s *signatures) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		w.Header().Set("X-Registry-Supports-Signatures", "1")
	}
	if !strings.HasPrefix(r.URL.Path, "/extensions/v2/") {
		s.next.ServeHTTP(w, r)
		return
	}
	if !s.authenticated(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		list := append([]json.RawMessage{}, s.stored[r.URL.Path]...)
		// An error means that the client has gone away.
		_ = json.NewEncoder(w).Encode(map[string]any{"signatures": list})
	case http.MethodPut:
		s.put(w, r)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// put stores a signature in the format of containers/image, and refuses others.
func (s *signatures) put(w http.ResponseWriter, r *http.Request) {
	var signature struct {
		Version int    `json:"schemaVersion"`
		Name    string `json:"name"`
		Type    string `json:"type"`
		Content []byte `json:"content"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignature))
	if err == nil {
		err = json.Unmarshal(body, &signature)
	}
	_, digest, _ := strings.Cut(r.URL.Path, "/signatures/")
	name, id, _ := strings.Cut(signature.Name, "@")
	if err != nil || signature.Version != 2 || signature.Type != "atomic" || name != digest || len(id) != 32 || len(signature.Content) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.stored[r.URL.Path] = append(s.stored[r.URL.Path], body)
	w.WriteHeader(http.StatusCreated)
}

// authenticated reports whether the registry accepts the request's credentials.
func (s *signatures) authenticated(r *http.Request) bool {
	probe := r.Clone(r.Context())
	probe.Method, probe.URL.Path, probe.Body = http.MethodGet, "/v2/", http.NoBody
	response := &discarded{header: http.Header{}, status: http.StatusOK}
	s.next.ServeHTTP(response, probe)
	return response.status == http.StatusOK
}

// discarded records the status of a response and discards its body.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }
