package buildkit

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/builder"
)

func TestSources(t *testing.T) {
	a, b := strings.TrimPrefix(digestA, "sha256:"), strings.TrimPrefix(digestB, "sha256:")
	text := `{"buildDefinition":{"resolvedDependencies":[
		{"uri":"pkg:docker/127.0.0.1%3A5000/team/app@1?platform=linux%2Famd64","digest":{"sha256":"` + a + `"}},
		{"uri":"pkg:docker/alpine@3.20?digest=` + digestA + `&platform=linux%2Famd64","digest":{"sha256":"` + a + `"}},
		{"uri":"pkg:docker/alpine@3.20?digest=` + digestA + `&platform=linux%2Fs390x","digest":{"sha256":"` + a + `"}},
		{"uri":"pkg:docker/alpine?digest=` + digestB + `","digest":{"sha256":"` + b + `"}},
		{"uri":"https://files.example/x","digest":{"sha256":"` + b + `"}},
		{"uri":"https://git.example/r.git#main","digest":{"sha1":"00"}}]}}`
	var p provenance
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	images, downloads, err := p.sources()
	if err != nil {
		t.Fatal(err)
	}
	if want := []builder.BaseImage{{Reference: "127.0.0.1:5000/team/app:1", Digest: digestA}, {Reference: "docker.io/library/alpine", Digest: digestB}, {Reference: "docker.io/library/alpine:3.20", Digest: digestA}}; !slices.Equal(images, want) {
		t.Errorf("images %v", images)
	}
	if want := []builder.Download{{URL: "https://files.example/x", Digest: digestB}, {URL: "https://git.example/r.git#main", Digest: "sha1:00"}}; !slices.Equal(downloads, want) {
		t.Errorf("downloads %v", downloads)
	}
}

func TestSourcesWithoutADigest(t *testing.T) {
	for name, text := range map[string]string{
		"none":       `{"uri":"pkg:docker/alpine@3.20"}`,
		"a file":     `{"uri":"https://files.example/x"}`,
		"two":        `{"uri":"pkg:docker/alpine@3.20?digest=` + digestA + `","digest":{"sha256":"` + strings.TrimPrefix(digestB, "sha256:") + `"}}`,
		"not a hash": `{"uri":"pkg:docker/alpine@3.20","digest":{"sha256":"00"}}`,
		"an OCI one": `{"uri":"pkg:oci/alpine@3.20","digest":{"sha256":"` + strings.TrimPrefix(digestB, "sha256:") + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var p provenance
			if err := json.Unmarshal([]byte(`{"buildDefinition":{"resolvedDependencies":[`+text+`]}}`), &p); err != nil {
				t.Fatal(err)
			}
			if images, _, err := p.sources(); err == nil {
				t.Errorf("images %v", images)
			}
		})
	}
}
