package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/signature"
)

// pinVerifier accepts images of the tag "signed".
type pinVerifier struct{}

func (pinVerifier) Verify(_ context.Context, request signature.Request) (signature.Verified, error) {
	if request.Reference.Tag != "signed" {
		return signature.Verified{}, &signature.Error{Image: request.Reference, Method: api.SigningSigstore, Err: errors.New("it is not signed")}
	}
	return signature.Verified{Reference: request.Reference, Digest: loopDigest, Method: api.SigningSigstore, KeyID: "id"}, nil
}

// underPolicy builds with a builder that enforces policies and asks for these images.
func underPolicy(t *testing.T, images ...string) (*fixture, string, string) {
	t.Helper()
	f := newFixture(t)
	f.version.EnforcesPolicy = true
	f.version.ReportsSources = true
	for _, image := range images {
		f.sources = append(f.sources, builder.Source{Kind: builder.SourceImage, Name: image})
	}
	f.pipeline.Bases = baseimage.Verifiers{api.BaseDigest: func(api.BaseRule) (baseimage.Verifier, error) { return pinVerifier{}, nil }}
	f.pipeline.CheckDockerfile = nil // the builder is the only one to read the Dockerfile
	f.downloads = []builder.Download{{URL: "https://user:the-password@example.com/file", Digest: loopDigest}}
	parameters := loopParameters()
	parameters.BasePolicy = api.BasePolicy{{Image: "r.example.com/ns/*", Method: api.BaseDigest, Key: loopDigest}}
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	last := f.wait()
	f.checkNothingLeft()
	return f, last.Status, last.Cause
}

// A builder that enforces policies asks about each source while it builds: the record
// names what was verified, and what is refused fails the build with the command of its
// verification.
func TestBuilderThatEnforcesPolicies(t *testing.T) {
	f, status, cause := underPolicy(t, "r.example.com/ns/base:signed")
	if status != api.StatusSuccess {
		t.Fatalf("ended as %q: %s", status, cause)
	}
	bases := f.slot.State().Record.BaseImages
	if len(bases) != 1 || bases[0].Reference != "r.example.com/ns/base:signed" || bases[0].Digest != loopDigest || bases[0].Method != api.SigningSigstore || bases[0].KeyID != "id" {
		t.Errorf("the record names %+v", bases)
	}
	downloads := f.slot.State().Record.Downloads
	if len(downloads) != 1 || downloads[0].URL != "https://user:<DOCKER_PASSWORD>@example.com/file" || downloads[0].Digest != loopDigest {
		t.Errorf("the record names the downloads %+v", downloads)
	}
	for image, want := range map[string]struct{ command, cause string }{
		"r.example.com/ns/base:other":  {"cosign verify --key <KEY> r.example.com/ns/base:other", "it is not signed"},
		"r.example.com/else/base:none": {"docker build ", "no rule covers it"},
	} {
		f, status, cause := underPolicy(t, "r.example.com/ns/base:signed", image)
		if !strings.HasPrefix(status, api.FailureStatus(want.command)) || !strings.Contains(cause, want.cause) {
			t.Errorf("%s: ended as %q: %s", image, status, cause)
		}
		if len(f.slot.State().Record.BaseImages) != 0 {
			t.Errorf("%s: the record names %+v", image, f.slot.State().Record.BaseImages)
		}
	}
}
