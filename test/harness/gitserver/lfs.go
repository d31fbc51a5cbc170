package gitserver

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// LFS is the object store of a Git LFS server, with the batch API and basic
// transfers for downloads. The zero value is empty.
type LFS struct {
	mu       sync.Mutex
	objects  map[string]string
	requests []LFSRequest

	// Href, if set, changes the download URL of an object.
	Href func(oid, href string) string
	// Reply, if set, changes the content that is sent for an object.
	Reply func(oid, content string) string
	// Header are the headers that the batch API returns and a download must have.
	Header map[string]string

	// Refuse, if set, returns the status code of an error response, or 0 to serve the
	// request. Refused requests are recorded, with no objects.
	Refuse func(r *http.Request) int

	token string // the token that git-lfs-authenticate returns over SSH
}

// LFSRequest is a request that an LFS has received.
type LFSRequest struct {
	Path, Authorization string
	Objects             int // of a batch
}

// Add stores an object and returns its pointer in the format of git-lfs.
func (l *LFS) Add(content string) (pointer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	if l.objects == nil {
		l.objects = map[string]string{}
	}
	l.objects[oid] = content
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content))
}

// Requests returns the requests so far.
func (l *LFS) Requests() []LFSRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]LFSRequest(nil), l.requests...)
}

func (l *LFS) secret() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == "" {
		l.token = rand.Text()
	}
	return l.token
}

// allowedLFS reports whether a request has the token of git-lfs-authenticate.
func (s *Server) allowedLFS(r *http.Request) bool {
	return s.options.LFS != nil && strings.Contains(r.URL.Path, "/info/lfs/") &&
		subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("RemoteAuth "+s.options.LFS.secret())) == 1
}

// authenticateLFS runs git-lfs-authenticate '<path>' download.
func (s *Server) authenticateLFS(command string, reply io.Writer) error {
	argument, operation, _ := strings.Cut(strings.TrimPrefix(command, "git-lfs-authenticate "), " ")
	if _, err := s.repository(unquoted(argument)); err != nil || operation != "download" {
		return fmt.Errorf("%q is not served", command)
	}
	return json.NewEncoder(reply).Encode(map[string]any{
		"href":   s.HTTPSURL(strings.Trim(unquoted(argument), "/")) + "/info/lfs",
		"header": map[string]string{"Authorization": "RemoteAuth " + s.options.LFS.secret()},
	})
}

// serveLFS serves a request of Git LFS, and reports whether it was one.
func (s *Server) serveLFS(w http.ResponseWriter, r *http.Request) bool {
	repository, rest, isLFS := strings.Cut(r.URL.Path, "/info/lfs/")
	if !isLFS || s.options.LFS == nil {
		return false
	}
	l := s.options.LFS
	received := LFSRequest{Path: r.URL.Path, Authorization: r.Header.Get("Authorization")}
	refusal := 0
	if l.Refuse != nil {
		refusal = l.Refuse(r)
	}
	switch {
	case refusal != 0:
		w.Header().Set("Retry-After", "0")
		http.Error(w, "refused", refusal)
	case r.Method == http.MethodPost && rest == "objects/batch":
		received.Objects = l.batch(w, r, s.HTTPSURL(strings.Trim(repository, "/"))+"/info/lfs/objects/")
	case r.Method == http.MethodGet && path.Dir(rest) == "objects":
		l.send(w, r, path.Base(rest))
	default:
		http.NotFound(w, r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, received)
	return true
}

func (l *LFS) batch(w http.ResponseWriter, r *http.Request, base string) int {
	var batch struct {
		Operation string
		Objects   []struct {
			OID  string
			Size int64
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || batch.Operation != "download" {
		http.Error(w, "not a batch", http.StatusUnprocessableEntity)
		return 0
	}
	var objects []map[string]any
	for _, object := range batch.Objects {
		reply := map[string]any{"oid": object.OID, "size": object.Size}
		l.mu.Lock()
		_, exists := l.objects[object.OID]
		l.mu.Unlock()
		href := base + object.OID
		if l.Href != nil {
			href = l.Href(object.OID, href)
		}
		if exists {
			reply["actions"] = map[string]any{"download": map[string]any{"href": href, "header": l.Header}}
		} else {
			reply["error"] = map[string]any{"code": http.StatusNotFound, "message": "Object does not exist"}
		}
		objects = append(objects, reply)
	}
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": objects})
	return len(batch.Objects)
}

func (l *LFS) send(w http.ResponseWriter, r *http.Request, oid string) {
	l.mu.Lock()
	content, exists := l.objects[oid]
	l.mu.Unlock()
	for name, value := range l.Header {
		if name != "Authorization" && r.Header.Get(name) != value {
			http.Error(w, "a header is missing", http.StatusForbidden)
			return
		}
	}
	if !exists {
		http.NotFound(w, r)
		return
	}
	if l.Reply != nil {
		content = l.Reply(oid, content)
	}
	_, _ = io.WriteString(w, content)
}
