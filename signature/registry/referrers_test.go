package registry

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/signature"
)

// Writer and reader decide with this table, and cosign goes by the same.
func TestSupportsReferrers(t *testing.T) {
	const index = "application/vnd.oci.image.index.v1+json"
	for _, test := range []struct {
		status           int
		contentType      string
		supported, known bool
	}{
		{200, index, true, true},
		{200, "text/html", false, true},
		{200, "application/json", false, true},
		{200, index + "; charset=utf-8", false, true}, // which cosign takes for no API
		{204, "", false, true},
		{301, "", false, true},
		{400, index, false, true},
		{401, index, false, false},
		{403, index, false, true},
		{404, index, false, true},
		{405, "", false, true},
		{406, "", false, true},
		{410, "", false, true},
		{429, "", false, false},
		{500, "", false, false},
		{501, "", false, true},
		{503, "", false, false},
	} {
		if supported, known := supportsReferrers(test.status, test.contentType); supported != test.supported || known != test.known {
			t.Errorf("%d %s: %v, %v", test.status, test.contentType, supported, known)
		}
	}
}

// responses is a registry that has one response for each path.
func responses(t *testing.T, all map[string]func(w http.ResponseWriter)) *Repository {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for part, answer := range all {
			if strings.HasPrefix(r.URL.Path, "/v2/ns/app/"+part) {
				answer(w)
				return
			}
		}
		if r.URL.Path != "/v2/" {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	repository, err := Open(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/ns/app", signature.Access{}, Pull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	return repository
}

func content(mediaType, text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", mediaType)
		_, _ = io.WriteString(w, text)
	}
}

// What is stored at the fallback tag is a list, nothing, or an error; the image itself
// is nothing, even where it is an index.
func TestFallbackTag(t *testing.T) {
	const (
		index = "application/vnd.oci.image.index.v1+json"
		image = "application/vnd.oci.image.manifest.v1+json"
	)
	one := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"size":1,"digest":"sha256:%s"}]}`, index, image, strings.Repeat("0a", 32))
	subject := "sha256:" + strings.Repeat("0b", 32)
	for name, test := range map[string]struct {
		subject string
		answer  func(http.ResponseWriter)
		listed  int
		err     string
	}{
		"an index":             {subject, content(index, one), 1, ""},
		"none":                 {subject, func(w http.ResponseWriter) { w.WriteHeader(404) }, 0, ""},
		"the image":            {digest.FromString(`{"a":1}`).String(), content(image, `{"a":1}`), 0, ""},
		"the image, an index":  {digest.FromString(one).String(), content(index, one), 0, ""},
		"another image":        {subject, content(image, `{"a":1}`), 0, "not an index of referrers"},
		"a page":               {subject, content("text/html", "<html>"), 0, "not an index of referrers"},
		"trouble":              {subject, func(w http.ResponseWriter) { w.WriteHeader(500) }, 0, "500"},
		"a broken index":       {subject, content(index, "{"), 0, "read the tag"},
		"an index by its text": {subject, content("application/json", one), 1, ""},
	} {
		repository := responses(t, map[string]func(http.ResponseWriter){"manifests/sha256-": test.answer})
		listed, err := repository.Referrers(t.Context(), test.subject)
		if len(listed) != test.listed || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %d listed, %v", name, len(listed), err)
		}
	}
}

// A registry that names itself with http:// after a proxy gets the blob over
// https; another host's address stays as it is.
func TestUploadURL(t *testing.T) {
	repository := &Repository{}
	for asked, each := range map[string]map[string]string{
		"https://r.example.com/v2/ns/app/blobs/uploads/": {
			"/v2/ns/app/blobs/uploads/1?state=a":                     "https://r.example.com/v2/ns/app/blobs/uploads/1?digest=sha256%3A00&state=a",
			"http://r.example.com/v2/ns/app/blobs/uploads/1":         "https://r.example.com/v2/ns/app/blobs/uploads/1?digest=sha256%3A00",
			"http://r.example.com:80/v2/ns/app/blobs/uploads/1":      "https://r.example.com/v2/ns/app/blobs/uploads/1?digest=sha256%3A00",
			"https://storage.example.com/bucket/1?signature=abc%2Fd": "https://storage.example.com/bucket/1?digest=sha256%3A00&signature=abc%2Fd",
			"": "",
		},
	} {
		for location, want := range each {
			request, err := http.NewRequest(http.MethodPost, asked, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := repository.uploadURL(&http.Response{Request: request, Header: http.Header{"Location": {location}}}, "sha256:00")
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%q: %q, %v", location, got, err)
			}
		}
	}
}
