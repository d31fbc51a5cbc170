package signature_test

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature"
)

var digest = "sha256:" + strings.Repeat("0a", 32)

func TestParseReference(t *testing.T) {
	for text, want := range map[string]signature.Reference{
		"busybox":                             {"docker.io/library/busybox", "latest", ""},
		"ns/app:v1":                           {"docker.io/ns/app", "v1", ""},
		"index.docker.io/ns/app":              {"docker.io/ns/app", "latest", ""},
		"registry.example.com:5000/a/b/c:1.2": {"registry.example.com:5000/a/b/c", "1.2", ""},
		"localhost/app@" + digest:             {"localhost/app", "", digest},
		"localhost:5000/app:v1@" + digest:     {"localhost:5000/app", "v1", digest},
	} {
		got, err := signature.ParseReference(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
			continue
		}
		if again, err := signature.ParseReference(got.String()); err != nil || again != got {
			t.Errorf("%s is read as %+v, %v", got, again, err)
		}
	}
	for _, text := range []string{
		"", "ns/Upper", "app:", "app@sha256:0a", "app@sha512:" + strings.Repeat("0a", 64), "-", "a b",
		"https://example.com/app", strings.Repeat("a", 2000), strings.Repeat("a/", 200) + "b",
	} {
		if got, err := signature.ParseReference(text); err == nil {
			t.Errorf("%.60q was accepted as %+v", text, got)
		}
	}
}

// TestName: a signature must have the name of the original, and the reference stays
// where the image is read.
func TestName(t *testing.T) {
	request := signature.Request{Reference: signature.Reference{Repository: "mirror.example.com/copies/app", Tag: "v1"}}
	if got := request.Name().String(); got != "mirror.example.com/copies/app:v1" {
		t.Error(got)
	}
	request.SignedAs = "registry.example.com/ns/app"
	if got := request.Name().String(); got != "registry.example.com/ns/app:v1" || request.Reference.Repository != "mirror.example.com/copies/app" || request.Validate() != nil {
		t.Errorf("%s, %+v, %v", got, request, request.Validate())
	}
	if request.SignedAs = "app"; request.Validate() == nil {
		t.Error("a name that is short was accepted")
	}
}

func TestValidate(t *testing.T) {
	for name, r := range map[string]signature.Reference{
		"nothing":        {},
		"short name":     {"ns/app", "v1", ""},
		"tag inside":     {"docker.io/ns/app:v1", "v1", ""},
		"no tag":         {"docker.io/ns/app", "", ""},
		"a tag of parts": {"docker.io/ns/app", "../v1", ""},
		"a short digest": {"docker.io/ns/app", "", "sha256:0a"},
		"no algorithm":   {"docker.io/ns/app", "", strings.Repeat("0a", 32)},
	} {
		if err := r.Validate(); err == nil {
			t.Errorf("%s: %+v was accepted", name, r)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("busybox")
	f.Add("registry.example.com:5000/a/b/c:1.2@" + digest)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := signature.ParseReference(text)
		if err != nil {
			return
		}
		if again, err := signature.ParseReference(r.String()); err != nil || again != r {
			t.Errorf("%q is %s, and that is %s, %v", text, r, again, err)
		}
	})
}
