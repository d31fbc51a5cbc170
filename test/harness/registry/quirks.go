// Registries differ in what the specification leaves open, and in what they get
// wrong. Each habit that was seen in the field has a name here.
package registry

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Quirk gives a registry a habit; it is an extension for Start.
type Quirk = func(http.Handler) http.Handler

// Quirks are habits of registries, by name.
var Quirks = map[string]Quirk{
	"gitlab":          gitlab,
	"ref200html":      referrersAnswer(http.StatusOK, "text/html", "<html>Sign in</html>"),
	"ref200json":      referrersAnswer(http.StatusOK, "application/json", "{}"),
	"ref400":          referrersAnswer(http.StatusBadRequest, "application/json", `{"errors":[{"code":"UNSUPPORTED"}]}`),
	"ref403":          referrersAnswer(http.StatusForbidden, "application/json", `{"errors":[{"code":"DENIED"}]}`),
	"ref405":          referrersAnswer(http.StatusMethodNotAllowed, "text/plain", ""),
	"ref406":          referrersAnswer(http.StatusNotAcceptable, "text/plain", ""),
	"nodigesthead":    withoutDigest(http.MethodHead),
	"nodigest":        withoutDigest(http.MethodHead, http.MethodGet, http.MethodPut),
	"head405":         head405,
	"limit429":        limit429,
	"immutable":       immutable,
	"rellocation":     location(func(u *url.URL) { u.Scheme, u.Host = "", "" }),
	"abshttplocation": location(func(u *url.URL) { u.Scheme = "http" }),
}

// referrersAnswer is a registry without a referrers API that answers nevertheless,
// or in its own way.
func referrersAnswer(status int, contentType, body string) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body) // a client that is gone needs no answer
		})
	}
}

var (
	fallbackTag = regexp.MustCompile(`/manifests/sha256-([0-9a-f]{64})$`)
	tagPath     = regexp.MustCompile(`/manifests/([A-Za-z0-9_][A-Za-z0-9._-]*)$`)
)

// gitlab takes the fallback tag for the digest, unless it was written.
func gitlab(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := fallbackTag.FindStringSubmatch(r.URL.Path)
		if found != nil && reads(r) && !exists(next, r) {
			asked := r.Clone(r.Context())
			asked.URL.Path = strings.TrimSuffix(r.URL.Path, "sha256-"+found[1]) + "sha256:" + found[1]
			r = asked
		}
		next.ServeHTTP(w, r)
	})
}

// immutable refuses to write a tag that is there, whatever it leads to. The tags
// of signatures are left out, as the rules of such registries can.
func immutable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := tagPath.FindStringSubmatch(r.URL.Path)
		if tag != nil && r.Method == http.MethodPut && !strings.HasPrefix(tag[1], "sha256-") && exists(next, r) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// exists asks the registry itself whether something is at the request's path.
func exists(next http.Handler, r *http.Request) bool {
	probe := r.Clone(r.Context())
	probe.Method, probe.Body, probe.ContentLength = http.MethodGet, http.NoBody, 0
	probe.Header.Del("Content-Type")
	probe.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
	answer := &discarded{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(answer, probe)
	return answer.status == http.StatusOK
}

// withoutDigest leaves out Docker-Content-Digest.
func withoutDigest(methods ...string) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, method := range methods {
				if r.Method == method && strings.Contains(r.URL.Path, "/manifests/") {
					w = &changed{w, func(header http.Header) { header.Del("Docker-Content-Digest") }}
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// head405 has no HEAD.
func head405(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limit429 refuses each write twice, and says when to come again.
func limit429(next http.Handler) http.Handler {
	var mu sync.Mutex
	refused := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, known := r.BasicAuth()
		if known && r.Method == http.MethodPut {
			mu.Lock()
			refused[r.URL.Path]++
			often := refused[r.URL.Path]
			mu.Unlock()
			if often <= 2 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// location changes where an upload goes on.
func location(change func(*url.URL)) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&changed{w, func(header http.Header) {
				told, err := url.Parse(header.Get("Location"))
				if err != nil || told.Path == "" {
					return
				}
				change(told)
				header.Set("Location", told.String())
			}}, r)
		})
	}
}

// changed changes the header of an answer before it is sent.
type changed struct {
	http.ResponseWriter
	change func(http.Header)
}

func (c *changed) WriteHeader(status int) {
	c.change(c.Header())
	c.ResponseWriter.WriteHeader(status)
}

func (c *changed) Write(p []byte) (int, error) {
	c.change(c.Header())
	return c.ResponseWriter.Write(p)
}
