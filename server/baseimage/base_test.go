package baseimage_test

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/signature"
)

func TestEachNameIsLookedUpOnce(t *testing.T) {
	f := newFixture(t)
	one, two := f.push("ns/one:latest", image(t, "s390x")), f.push("ns/two:2", image(t, "amd64"))
	pinned, err := f.pin("ARG TAG=2\nFROM HOST/ns/one AS a\nFROM HOST/ns/one:latest\nCOPY --from=HOST/ns/two:2 /x /x\nFROM HOST/ns/two:${TAG}\nFROM HOST/ns/one@"+one+"\n", one, two)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll("ARG TAG=2\nFROM HOST/ns/one@"+one+" AS a\nFROM HOST/ns/one@"+one+"\nCOPY --from=HOST/ns/two@"+two+" /x /x\nFROM HOST/ns/two@"+two+"\nFROM HOST/ns/one@"+one+"\n", "HOST", f.host)
	if string(pinned.Dockerfile) != want {
		t.Errorf("pinned to\n%s\nwant\n%s", pinned.Dockerfile, want)
	}
	if len(pinned.Images) != 3 || pinned.Images[0].Reference.Tag != "latest" || pinned.Images[1].Digest != two || pinned.Images[2].Reference.Digest != one {
		t.Errorf("verified %+v", pinned.Images)
	}
	tags := 0
	for _, asked := range f.asked {
		if strings.HasSuffix(asked, "/manifests/latest") || strings.HasSuffix(asked, "/manifests/2") {
			tags++
		}
	}
	if tags != 2 {
		t.Errorf("tags were looked up %d times: %q", tags, f.asked)
	}
}

func TestUncoveredBeforeRequests(t *testing.T) {
	f := newFixture(t)
	digest := f.push("ns/one:1", image(t, "s390x"))
	_, err := f.pin("FROM HOST/ns/one:1\nCOPY --from=HOST/other/two:2 /x /x\n", digest)
	var uncovered *baseimage.UncoveredError
	if !errors.As(err, &uncovered) || uncovered.Image.Line != 2 || len(f.asked) != 0 {
		t.Errorf("%v, after %q", err, f.asked)
	}
}

func TestReviewedDigests(t *testing.T) {
	f := newFixture(t)
	digest, other := f.push("ns/one:1", image(t, "s390x")), "sha256:"+strings.Repeat("0a", 32)
	_, err := f.pin("FROM HOST/ns/one:1\n", other)
	var refused *signature.Error
	var reviewed *baseimage.NotReviewedError
	if !errors.As(err, &refused) || !errors.As(err, &reviewed) || reviewed.Found != digest || refused.Image.Tag != "1" {
		t.Errorf("a digest that is not listed: %v", err)
	}
	var absent *signature.AbsentError
	if _, err = f.pin("FROM HOST/ns/one@"+other+"\n", other); !errors.As(err, &absent) {
		t.Errorf("a digest that is nowhere: %v", err)
	}
}

func TestTriggers(t *testing.T) {
	f := newFixture(t)
	tool := f.push("ns/tool:1", image(t, "s390x"))
	byDigest := f.host + "/ns/tool@" + tool
	index := func(manifests map[string]v1.Image) v1.ImageIndex {
		made := v1.ImageIndex(empty.Index)
		for arch, content := range manifests {
			descriptor := v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}
			if arch == "" {
				descriptor.Platform = nil
			}
			made = mutate.AppendManifests(made, mutate.IndexAddendum{Add: content, Descriptor: descriptor})
		}
		return made
	}
	evil := "COPY --from=" + f.host + "/ns/evil:1 /x /x"
	for name, test := range map[string]struct {
		from    remote.Taggable
		flags   string
		trigger string // that is refused; empty: none
	}{
		"none":                          {image(t, "s390x"), "", ""},
		"without an image":              {image(t, "s390x", "COPY . /src", "RUN make", "COPY --from=0 /x /x"), "", ""},
		"verified by digest":            {image(t, "s390x", "COPY --from="+byDigest+" /x /x"), "", ""},
		"by tag":                        {image(t, "s390x", "RUN ls", evil), "", evil},
		"verified, but by tag":          {image(t, "s390x", "COPY --from="+f.host+"/ns/tool:1 /x /x"), "", "ns/tool:1"},
		"mounted":                       {image(t, "s390x", "RUN --mount=from=evil,target=/x ls"), "", "evil"},
		"a stage of the Dockerfile":     {image(t, "s390x", "COPY --from=tool /x /x"), "", "tool"},
		"two in one":                    {image(t, "s390x", "RUN ls\n"+evil), "", "RUN ls"},
		"FROM":                          {image(t, "s390x", "FROM evil"), "", "FROM evil"},
		"not understood":                {image(t, "s390x", "TAKE evil"), "", "TAKE evil"},
		"of the platform":               {index(map[string]v1.Image{"s390x": image(t, "s390x", evil), "amd64": image(t, "amd64")}), "", evil},
		"of another platform":           {index(map[string]v1.Image{"s390x": image(t, "s390x"), "amd64": image(t, "amd64", evil)}), "", ""},
		"of the platform that is asked": {index(map[string]v1.Image{"s390x": image(t, "s390x"), "amd64": image(t, "amd64", evil)}), "--platform=linux/amd64/v2 ", evil},
		"of no platform":                {index(map[string]v1.Image{"": image(t, "s390x", evil), "s390x": image(t, "s390x")}), "", evil},
		"of the only platform":          {index(map[string]v1.Image{"amd64": image(t, "amd64", evil)}), "", evil},
	} {
		t.Run(name, func(t *testing.T) {
			digest := f.push("ns/base:1", test.from)
			_, err := f.pin("FROM HOST/ns/tool:1 AS tool\nFROM "+test.flags+"HOST/ns/base:1\n", digest, tool)
			if test.trigger == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var trigger *baseimage.TriggerError
			if !errors.As(err, &trigger) || !strings.Contains(err.Error(), f.host+"/ns/base:1") || !strings.Contains(trigger.Trigger, test.trigger) {
				t.Errorf("%v, want that the trigger %q is refused", err, test.trigger)
			}
		})
	}
}

// A trigger is parsed in a process of its own: one that ends it fails the build, and
// an image without triggers needs none.
func TestTriggersThatEndTheirProcess(t *testing.T) {
	f := newFixture(t)
	f.runner = dead{}
	digest := f.push("ns/base:1", image(t, "s390x", "RUN make"))
	if _, err := f.pin("FROM HOST/ns/base:1\n", digest); err == nil || !strings.Contains(err.Error(), "ONBUILD triggers") || !strings.Contains(err.Error(), "panic: index out of range") {
		t.Errorf("got %v", err)
	}
	digest = f.push("ns/base:1", image(t, "s390x"))
	if _, err := f.pin("FROM HOST/ns/base:1\n", digest); err != nil {
		t.Error(err)
	}
}

func TestRulesAreChecked(t *testing.T) {
	verifiers := baseimage.Verifiers{api.BaseDigest: baseimage.Reviewed}
	good := api.BaseRule{Image: "**", Method: api.BaseDigest, Key: "sha256:0a"}
	if err := verifiers.Check([]api.BaseRule{good}); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]api.BaseRule{
		"a key that is none":       {Image: "a.b/c", Method: api.BaseDigest, Key: " ", Parameter: "BASE_IMAGE_POLICY"},
		"a method that is missing": {Image: "a.b/c", Method: api.SigningSimple, Key: "x", Parameter: "BASE_IMAGE_POLICY"},
	} {
		var wrong *api.ParameterError
		if err := verifiers.Check([]api.BaseRule{good, bad}); !errors.As(err, &wrong) || wrong.Key != "BASE_IMAGE_POLICY" || !strings.Contains(wrong.Problem, "a.b/c") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
