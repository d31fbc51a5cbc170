package baseimage_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/signature"
)

// decider returns a decider that allows digests of the registry's namespace ns.
func (f *fixture) decider(digests ...string) *baseimage.Decider {
	verifiers := baseimage.Verifiers{api.BaseDigest: baseimage.Reviewed}
	rules := []api.BaseRule{{Image: f.host + "/ns/*", Method: api.BaseDigest, Key: api.BaseKey(strings.Join(digests, " "))}}
	return verifiers.Decider(rules, baseimage.Access{}, nil)
}

func (f *fixture) decide(d *baseimage.Decider, kind, name string) builder.Decision {
	f.t.Helper()
	decision, err := d.Decide(f.t.Context(), builder.Source{Kind: kind, Name: name})
	if err != nil {
		f.t.Fatal(err)
	}
	return decision
}

func TestDecide(t *testing.T) {
	f := newFixture(t)
	digest := f.push("ns/one:1", image(t, "s390x"))
	other := f.push("ns/one:other", image(t, "amd64"))
	d := f.decider(digest)
	if got := f.decide(d, builder.SourceImage, f.host+"/ns/one:1"); !got.Allow || got.Digest != digest {
		t.Errorf("an image that is verified: %+v", got)
	}
	// The tag moves during the build: the name keeps the digest that it got.
	f.push("ns/one:1", image(t, "amd64"))
	if got := f.decide(d, builder.SourceImage, f.host+"/ns/one:1"); !got.Allow || got.Digest != digest {
		t.Errorf("an image whose tag has moved: %+v", got)
	}
	for _, kind := range []string{builder.SourceHTTP, builder.SourceGit} {
		if got := f.decide(d, kind, "https://example.com/file"); !got.Allow || got.Digest != "" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	if d.Err() != nil || len(d.Verified()) != 1 || d.Verified()[0].Pinned != f.host+"/ns/one@"+digest {
		t.Errorf("verified %+v, refused %v", d.Verified(), d.Err())
	}
	for name, source := range map[string]builder.Source{
		"another digest":  {Kind: builder.SourceImage, Name: f.host + "/ns/one:other"},
		"by digest":       {Kind: builder.SourceImage, Name: f.host + "/ns/one@" + other},
		"not covered":     {Kind: builder.SourceImage, Name: f.host + "/else/one:1"},
		"not a name":      {Kind: builder.SourceImage, Name: "NOT A NAME"},
		"another kind":    {Kind: builder.SourceOther, Name: "oci-layout://store"},
		"no kind":         {Name: f.host + "/ns/one:1"},
		"an unknown kind": {Kind: "blob", Name: "blob://x"},
	} {
		d := f.decider(digest)
		if got := f.decide(d, source.Kind, source.Name); got.Allow || got.Reason == "" || d.Err() == nil || d.Err().Error() != got.Reason {
			t.Errorf("%s: %+v, %v", name, got, d.Err())
		}
		if len(d.Verified()) != 0 {
			t.Errorf("%s: verified %+v", name, d.Verified())
		}
	}
}

// A refused image is an error of the type that the pipeline gives its command for.
func TestRefusalsKeepTheirType(t *testing.T) {
	f := newFixture(t)
	f.push("ns/one:1", image(t, "s390x"))
	d := f.decider("sha256:" + strings.Repeat("0a", 32))
	f.decide(d, builder.SourceImage, f.host+"/ns/one:1")
	if !errors.As(d.Err(), new(*signature.Error)) {
		t.Errorf("got %v", d.Err())
	}
	d = f.decider()
	f.decide(d, builder.SourceImage, f.host+"/else/one:1")
	var uncovered *baseimage.UncoveredError
	if !errors.As(d.Err(), &uncovered) || !strings.Contains(uncovered.Error(), `"`+f.host+`/else/one:1": no rule covers it`) {
		t.Errorf("got %v", d.Err())
	}
}

// slowVerifier counts, and waits for all to have asked.
type slowVerifier struct {
	calls   *atomic.Int32
	release chan struct{}
}

func (v slowVerifier) Verify(_ context.Context, request signature.Request) (signature.Verified, error) {
	v.calls.Add(1)
	<-v.release
	return signature.Verified{Reference: request.Reference, Digest: "sha256:" + strings.Repeat("0a", 32)}, nil
}

// Several stages that name one image ask for it at once: it is verified once.
func TestOneVerificationOfEachName(t *testing.T) {
	v := slowVerifier{new(atomic.Int32), make(chan struct{})}
	verifiers := baseimage.Verifiers{api.BaseDigest: func(api.BaseRule) (baseimage.Verifier, error) { return v, nil }}
	d := verifiers.Decider([]api.BaseRule{{Image: "**", Method: api.BaseDigest}}, baseimage.Access{}, nil)
	var all, asked sync.WaitGroup
	for range 8 {
		asked.Add(1)
		all.Go(func() {
			asked.Done()
			decision, err := d.Decide(t.Context(), builder.Source{Kind: builder.SourceImage, Name: "docker.io/library/alpine:3"})
			if err != nil || !decision.Allow {
				t.Errorf("%+v, %v", decision, err)
			}
		})
	}
	asked.Wait()
	close(v.release)
	all.Wait()
	if v.calls.Load() != 1 || len(d.Verified()) != 1 {
		t.Errorf("verified %d times: %+v", v.calls.Load(), d.Verified())
	}
}
