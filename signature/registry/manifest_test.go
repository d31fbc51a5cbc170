package registry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/signature"
)

// The digest is that of the bytes, whatever the registry reports.
func TestResolve(t *testing.T) {
	const manifest = `{"schemaVersion":2}`
	computed := digest.FromString(manifest).String()
	claimed := "sha256:" + strings.Repeat("0a", 32)
	for _, mediaType := range []string{
		"application/vnd.docker.distribution.manifest.v1+prettyjws", // whose digest is said, not computed, by the library
		"application/vnd.oci.image.manifest.v1+json",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			if strings.HasSuffix(r.URL.Path, "/absent") {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", mediaType)
			w.Header().Set("Docker-Content-Digest", claimed)
			_, _ = w.Write([]byte(manifest)) // a client that is gone needs no answer
		}))
		t.Cleanup(server.Close)
		name := strings.TrimPrefix(server.URL, "http://") + "/ns/app"
		repository, err := Open(t.Context(), name, signature.Access{}, Pull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(repository.Close)
		for _, asked := range []signature.Reference{{Tag: "v1"}, {Tag: "v1", Digest: computed}} {
			if got, err := repository.Resolve(t.Context(), asked); err != nil || got != computed {
				t.Errorf("%s %+v: %s, %v", mediaType, asked, got, err)
			}
		}
		for _, asked := range []signature.Reference{{Tag: "v1", Digest: claimed}, {Digest: claimed}} {
			if got, err := repository.Resolve(t.Context(), asked); err == nil {
				t.Errorf("%s %+v: %s", mediaType, asked, got)
			}
		}
		if _, err := repository.Resolve(t.Context(), signature.Reference{Tag: "absent"}); !errors.As(err, new(*signature.AbsentError)) {
			t.Errorf("an absent image: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, access := range map[string]signature.Access{
		"app":                      {}, // without a host
		"127.0.0.1:1/ns/app":       {CABundle: []byte("none")},
		"registry.local:5000/ns/a": {}, // plain http, to another machine
	} {
		if repository, err := Open(t.Context(), name, access, Pull); err == nil {
			repository.Close()
			t.Errorf("%s was opened", name)
		}
	}
}
