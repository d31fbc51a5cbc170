package sigstore

// Tests of the responses of a malicious registry.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
)

// hostile returns what it is given, by path.
func hostile(t *testing.T, answers map[string][]byte) *registry.Repository {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, there := answers[r.URL.Path]
		switch {
		case r.URL.Path == "/v2/":
		case !there:
			http.NotFound(w, r)
		case strings.Contains(r.URL.Path, "/referrers/"):
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			_, _ = w.Write(text) // an error means that the client has disconnected
		default:
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
			_, _ = w.Write(text)
		}
	}))
	t.Cleanup(server.Close)
	repository, err := registry.Open(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/ns/app", signature.Access{}, registry.Pull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	return repository
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// one is the first thing that is yielded.
func one(t *testing.T, repository *registry.Repository) ([]byte, error) {
	t.Helper()
	for text, err := range Bundles(t.Context(), repository, hash) {
		return text, err
	}
	return nil, nil
}

func TestTooManyReferrers(t *testing.T) {
	for n, refused := range map[int]bool{maxReferrers: false, maxReferrers + 1: true} {
		index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
		for i := range n {
			absent := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064d", i)}
			index.Manifests = append(index.Manifests, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: absent, ArtifactType: bundle.MediaType})
		}
		index.Manifests = append(index.Manifests, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("f", 64)}, ArtifactType: "application/spdx+json"})
		repository := hostile(t, map[string][]byte{"/v2/ns/app/referrers/" + hash: encoded(t, index)})
		if _, err := one(t, repository); (err != nil) != refused {
			t.Errorf("%d referrers: %v", n, err)
		}
	}
}

func TestReferrerBounds(t *testing.T) {
	text := []byte(`{"a":"bundle"}`)
	layer := func(size int64) v1.Descriptor {
		hash, err := v1.NewHash(digest.FromBytes(text).String())
		if err != nil {
			t.Fatal(err)
		}
		return v1.Descriptor{MediaType: bundle.MediaType, Digest: hash, Size: size}
	}
	for name, test := range map[string]struct {
		layers  []v1.Descriptor
		content string
		refused bool
	}{
		"sound":            {[]v1.Descriptor{layer(int64(len(text)))}, string(text), false},
		"too long":         {[]v1.Descriptor{layer(bundle.MaxSize + 1)}, string(text), true},
		"another content":  {[]v1.Descriptor{layer(int64(len(text)))}, `{"b":"bundle"}`, true},
		"longer than told": {[]v1.Descriptor{layer(int64(len(text)))}, string(text) + " ", true},
	} {
		t.Run(name, func(t *testing.T) {
			manifest := encoded(t, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: test.layers[0], Layers: test.layers})
			referrer, err := v1.NewHash(digest.FromBytes(manifest).String())
			if err != nil {
				t.Fatal(err)
			}
			index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{{
				MediaType: types.OCIManifestSchema1, Digest: referrer, Size: int64(len(manifest)), ArtifactType: bundle.MediaType}}}
			got, err := one(t, hostile(t, map[string][]byte{
				"/v2/ns/app/referrers/" + hash:                        encoded(t, index),
				"/v2/ns/app/manifests/" + referrer.String():           manifest,
				"/v2/ns/app/blobs/" + digest.FromBytes(text).String(): []byte(test.content),
			}))
			if (err != nil) != test.refused || err == nil && string(got) != string(text) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}
