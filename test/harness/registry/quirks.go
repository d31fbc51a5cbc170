package registry

// Deviations of real registries from the specification, and their choices where it
// leaves one. Each has a name here.

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Quirk makes a registry deviate in one respect. It is an extension for Start.
type Quirk = func(http.Handler) http.Handler

// Quirks are deviations of registries, by name.
var Quirks = map[string]Quirk{
	"gitlab":          gitlab,
	"ref200html":      referrersReply(http.StatusOK, "text/html", "<html>Sign in</html>"),
	"ref200json":      referrersReply(http.StatusOK, "application/json", "{}"),
	"ref400":          referrersReply(http.StatusBadRequest, "application/json", `{"errors":[{"code":"UNSUPPORTED"}]}`),
	"ref403":          referrersReply(http.StatusForbidden, "application/json", `{"errors":[{"code":"DENIED"}]}`),
	"ref405":          referrersReply(http.StatusMethodNotAllowed, "text/plain", ""),
	"ref406":          referrersReply(http.StatusNotAcceptable, "text/plain", ""),
	"nodigesthead":    withoutDigest(http.MethodHead),
	"nodigest":        withoutDigest(http.MethodHead, http.MethodGet, http.MethodPut),
	"head405":         head405,
	"limit429":        limit429,
	"immutable":       immutable,
	"rellocation":     location(func(u *url.URL) { u.Scheme, u.Host = "", "" }),
	"abshttplocation": location(func(u *url.URL) { u.Scheme = "http" }),
}

// referrersReply makes a registry return this response for the referrers API, which
// it does not have.
func referrersReply(status int, contentType, body string) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body) // an error means that the client has gone away
		})
	}
}

var (
	fallbackTag = regexp.MustCompile(`/manifests/sha256-([0-9a-f]{64})$`)
	tagPath     = regexp.MustCompile(`/manifests/([A-Za-z0-9_][A-Za-z0-9._-]*)$`)
)

// gitlab makes a registry return the image itself for its fallback tag, unless that
// tag exists.
func gitlab(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := fallbackTag.FindStringSubmatch(r.URL.Path)
		if found != nil && reads(r) && !exists(next, r) {
			byDigest := r.Clone(r.Context())
			byDigest.URL.Path = strings.TrimSuffix(r.URL.Path, "sha256-"+found[1]) + "sha256:" + found[1]
			r = byDigest
		}
		next.ServeHTTP(w, r)
	})
}

// immutable makes a registry refuse to overwrite a tag, even with the same image,
// except the tags of signatures: such registries can be configured so.
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

// exists reports whether the registry has a manifest at the request's path.
func exists(next http.Handler, r *http.Request) bool {
	probe := r.Clone(r.Context())
	probe.Method, probe.Body, probe.ContentLength = http.MethodGet, http.NoBody, 0
	probe.Header.Del("Content-Type")
	probe.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
	response := &discarded{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(response, probe)
	return response.status == http.StatusOK
}

// withoutDigest makes a registry omit the header Docker-Content-Digest.
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

// head405 makes a registry refuse HEAD requests.
func head405(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limit429 makes a registry refuse each write twice, with Retry-After.
func limit429(next http.Handler) http.Handler {
	var mu sync.Mutex
	refused := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, known := r.BasicAuth()
		if known && r.Method == http.MethodPut {
			mu.Lock()
			refused[r.URL.Path]++
			count := refused[r.URL.Path]
			mu.Unlock()
			if count <= 2 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// location makes a registry return a changed Location for uploads.
func location(change func(*url.URL)) Quirk {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&changed{w, func(header http.Header) {
				upload, err := url.Parse(header.Get("Location"))
				if err != nil || upload.Path == "" {
					return
				}
				change(upload)
				header.Set("Location", upload.String())
			}}, r)
		})
	}
}

// changed changes the header of a response before it is sent.
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
