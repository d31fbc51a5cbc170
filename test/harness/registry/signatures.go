// Registries of OpenShift and IBM keep signatures through an API of their own,
// which the distribution library does not have. The stack needs both kinds.
package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxSignature bounds one signature with its JSON, in bytes.
const maxSignature = 1 << 20

// signatures keeps signatures in memory, by repository and digest, as the
// signature extension API of OpenShift's registry does: GET and PUT
// /extensions/v2/<repository>/signatures/<digest>.
type signatures struct {
	next http.Handler

	mu   sync.Mutex
	kept map[string][]json.RawMessage // by path
}

// WithSignatures adds the signature extension API to a registry.
func WithSignatures(next http.Handler) http.Handler {
	return &signatures{next: next, kept: map[string][]json.RawMessage{}}
}

func (s *signatures) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		w.Header().Set("X-Registry-Supports-Signatures", "1")
	}
	if !strings.HasPrefix(r.URL.Path, "/extensions/v2/") {
		s.next.ServeHTTP(w, r)
		return
	}
	if !s.knows(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		list := append([]json.RawMessage{}, s.kept[r.URL.Path]...)
		// A client that is gone needs no answer.
		_ = json.NewEncoder(w).Encode(map[string]any{"signatures": list})
	case http.MethodPut:
		s.put(w, r)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// put takes what containers/image sends, and nothing else.
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
	s.kept[r.URL.Path] = append(s.kept[r.URL.Path], body)
	w.WriteHeader(http.StatusCreated)
}

// knows asks the registry itself whether it takes the request's credentials.
func (s *signatures) knows(r *http.Request) bool {
	probe := r.Clone(r.Context())
	probe.Method, probe.URL.Path, probe.Body = http.MethodGet, "/v2/", http.NoBody
	answer := &discarded{header: http.Header{}, status: http.StatusOK}
	s.next.ServeHTTP(answer, probe)
	return answer.status == http.StatusOK
}

// discarded keeps the status of an answer only.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }
