//go:build stack

package buildkit

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/opensbs/sbs/server/builder"
)

// decisions allows the sources that it has, by name, with their digests, and keeps what
// it was asked for.
type decisions struct {
	allow map[string]string
	mu    sync.Mutex
	asked map[builder.Source]bool
}

func (d *decisions) decide(_ context.Context, source builder.Source) (builder.Decision, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked == nil {
		d.asked = map[builder.Source]bool{}
	}
	d.asked[source] = true
	digest, ok := d.allow[source.Name]
	return builder.Decision{Allow: ok, Digest: digest, Reason: "no rule allows it"}, nil
}

// names returns the names that were asked for, sorted.
func (d *decisions) names() []string {
	var names []string
	for source := range d.asked {
		names = append(names, source.Name)
	}
	slices.Sort(names)
	return names
}

// contents returns the files of an image and what is in them.
func contents(t *testing.T, archive string) map[string]string {
	t.Helper()
	stream := mutate.Extract(opened(t, archive))
	defer stream.Close()
	files := map[string]string{}
	for members := tar.NewReader(stream); ; {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(members)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
}

const (
	goodText = "of the verified image"
	evilText = "EVIL, of no verified image"
)

// field has a verified image, one that is not, and the decisions that know it.
type field struct {
	images     *images
	good, evil string // names
	digest     string // of good
	decisions  *decisions
}

func newField(t *testing.T, triggers ...string) *field {
	t.Helper()
	f := &field{images: newImages(t)}
	shell := f.images.shell()
	f.evil, _ = f.images.put("evil:1", []v1.Layer{shell, f.images.layer(member{"payload", evilText})})
	for n := range triggers {
		triggers[n] = f.named(triggers[n])
	}
	f.good, f.digest = f.images.put("good:1", []v1.Layer{shell, f.images.layer(member{"payload", goodText})}, triggers...)
	f.decisions = &decisions{allow: map[string]string{f.good: f.digest}}
	return f
}

// named puts the names of the images into a Dockerfile.
func (f *field) named(dockerfile string) string {
	return strings.NewReplacer("GOOD", f.images.host+"/good:1", "EVIL", f.images.host+"/evil:1").Replace(dockerfile)
}

// TestAttacks: whatever a Dockerfile does to hide that it uses another image, the build
// is refused with the name of the image, or the image has nothing of it.
func TestAttacks(t *testing.T) {
	cases := map[string]struct {
		dockerfile string
		triggers   []string // of the verified image
		harmless   bool     // it builds
	}{
		"FROM":                      {dockerfile: "FROM EVIL\n"},
		"FROM with an argument":     {dockerfile: "ARG BASE=EVIL\nFROM ${BASE}\n"},
		"COPY --from":               {dockerfile: "FROM GOOD\nCOPY --from=EVIL /payload /payload\n"},
		"a mount":                   {dockerfile: "FROM GOOD\nRUN --mount=from=EVIL,target=/m cat /m/payload\n"},
		"an ONBUILD trigger":        {dockerfile: "FROM GOOD\n", triggers: []string{"COPY --from=EVIL /payload /payload"}},
		"a trigger with a mount":    {dockerfile: "FROM GOOD\n", triggers: []string{"RUN --mount=from=EVIL,target=/m cat /m/payload"}},
		"a trigger of this file":    {dockerfile: "FROM GOOD AS a\nONBUILD COPY --from=EVIL /payload /payload\nFROM a\n"},
		"a frontend":                {dockerfile: "# syntax=EVIL\nFROM GOOD\n"},
		"a frontend, other forms":   {dockerfile: "#   SYNTAX = EVIL\nFROM GOOD\n"},
		"a frontend after a BOM":    {dockerfile: "\ufeff# syntax=EVIL\nFROM GOOD\n"},
		"a frontend after a hash":   {dockerfile: "#!/usr/bin/env x\n# syntax=EVIL\nFROM GOOD\n"},
		"a frontend in slashes":     {dockerfile: "// syntax=EVIL\nFROM GOOD\n"},
		"a frontend in JSON":        {dockerfile: `{"syntax":"EVIL"}` + "\nFROM GOOD\n"},
		"the escape directive":      {dockerfile: "# escape=`\nFROM GOOD\nCOPY --chown=0` --from=EVIL /payload /payload\n"},
		"an escaped line":           {dockerfile: "# escape=`\nFROM GOOD\nCOPY `\n --from=EVIL /payload /payload\n"},
		"a split here-document":     {dockerfile: "FROM GOOD\nRUN [\"/bin/echo\"] <\\\n<\"COPY file /p\"\nFROM EVIL\nCOPY file /p\n"},
		"a here-document":           {dockerfile: "FROM GOOD\nRUN <<END cat\nFROM EVIL\nEND\nCOPY --from=EVIL /payload /payload\n"},
		"only a here-document":      {dockerfile: "FROM GOOD\nRUN <<END cat\nFROM EVIL\nEND\n", harmless: true},
		"Docker's own frontend":     {dockerfile: "# syntax=docker/dockerfile:1\nFROM GOOD\nRUN <<END\ntrue\nEND\n", harmless: true},
		"not Docker's own frontend": {dockerfile: "# syntax=docker.io/docker/dockerfile-upstream:1\nFROM GOOD\n"},
		"the check directive":       {dockerfile: "# check=skip=all\nFROM GOOD\n# check=skip=all\nRUN true\n", harmless: true},
		"a stage that is not used":  {dockerfile: "FROM EVIL AS unused\nFROM GOOD\n", harmless: true},
		"a stage of that name":      {dockerfile: "FROM GOOD AS evil\nFROM GOOD\nCOPY --from=evil /payload /payload\n", harmless: true},
		"a name from an argument":   {dockerfile: "ARG S=EVIL\nFROM ${S} AS s\nFROM GOOD\nCOPY --from=s /payload /payload\n"},
		"another platform":          {dockerfile: "FROM --platform=linux/s390x EVIL AS s\nFROM GOOD\nCOPY --from=s /payload /payload\n"},
		"another digest":            {dockerfile: "FROM GOOD@" + digestA + "\n"},
		"a file of that name":       {dockerfile: "FROM GOOD\nCOPY EVIL /payload\nADD EVIL /payload\n"},
		"carriage returns":          {dockerfile: "FROM GOOD\r\nCOPY --from=EVIL /payload /payload\r\n"},
		"a comment in continuation": {dockerfile: "FROM GOOD\nCOPY \\\n# comment\n\n --from=EVIL /payload /payload\n"},
	}
	b := connect(t)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newField(t, test.triggers...)
			r := request(t, tree(t, map[string]string{"Dockerfile": f.named(test.dockerfile), "file": "x"}))
			r.Decide = f.decisions.decide
			if !test.harmless {
				err := failedBuild(t, b, r)
				named := strings.Contains(err.Error(), f.evil) && strings.Contains(err.Error(), "no rule allows it")
				if refused := slices.Contains(f.decisions.names(), f.evil); refused != named {
					t.Errorf("the error is %v", err)
				}
				if fetched := f.images.fetches("evil"); len(fetched) != 0 {
					t.Errorf("the daemon fetched %q", fetched)
				}
				return
			}
			image, output := mustBuild(t, b, r)
			if len(image.Base) != 1 || image.Base[0] != (builder.BaseImage{Reference: f.good, Digest: f.digest}) {
				t.Errorf("base images %v\n%s", image.Base, output)
			}
			if got := contents(t, r.Archive)["payload"]; got != goodText {
				t.Errorf("the image has %q", got)
			}
			if evil, good := f.images.fetches("evil"), f.images.fetches("good"); len(evil) != 0 || len(good) == 0 {
				t.Errorf("the daemon fetched %q and %q", evil, good)
			}
		})
	}
}

// TestAFrontendOfTheArguments: BUILDKIT_SYNTAX names a frontend as "# syntax=" does.
func TestAFrontendOfTheArguments(t *testing.T) {
	b, f := connect(t), newField(t)
	r := request(t, tree(t, map[string]string{"Dockerfile": f.named("FROM GOOD\n")}))
	r.Decide = f.decisions.decide
	r.Args = map[string]string{"BUILDKIT_SYNTAX": f.evil}
	if err := failedBuild(t, b, r); !strings.Contains(err.Error(), f.evil+": no rule allows it") {
		t.Errorf("the error is %v", err)
	}
}

// TestEverySourceIsDecided: one build with each kind of source asks for all of them, and
// for stages not at all.
func TestEverySourceIsDecided(t *testing.T) {
	b, f := connect(t), newField(t, "COPY --from=TRIGGER /payload /of-trigger")
	downloads := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "downloaded") }))
	defer downloads.Close()
	layer := f.images.layer(member{"payload", "x"})
	want := map[string]string{f.good: f.digest}
	for _, name := range []string{"trigger:1", "copied:1", "mounted:1", "argument:1"} {
		full, digest := f.images.put(name, []v1.Layer{layer})
		want[full] = digest
	}
	host := f.images.host
	f.good, f.digest = f.images.put("good:1", []v1.Layer{f.images.shell()}, "COPY --from="+host+"/trigger:1 /payload /of-trigger")
	want[f.good] = f.digest
	url := downloads.URL + "/file"
	want[url] = "sha256:" + "d7e9d8a51bb7b0b1b6ba0ed1d56c8a2d0e9f5e6d9bd3ea1aa2d2a1bb3b4d7d16"
	delete(want, url) // its digest is not given
	f.decisions.allow = maps.Clone(want)
	f.decisions.allow[url] = ""
	r := request(t, tree(t, map[string]string{"Dockerfile": "ARG BASE=" + host + "/argument:1\nFROM ${BASE} AS stage\n" +
		"FROM " + f.good + "\nCOPY --from=stage /payload /of-stage\nCOPY --from=0 /payload /of-0\n" +
		"COPY --from=" + host + "/copied:1 /payload /copied\n" +
		"RUN --mount=from=" + host + "/mounted:1,target=/m cat /m/payload\n" +
		"ADD " + url + " /downloaded\n"}))
	r.Decide = f.decisions.decide
	image, output := mustBuild(t, b, r)
	asked := append(slices.Sorted(maps.Keys(want)), url)
	slices.Sort(asked)
	if got := f.decisions.names(); !slices.Equal(got, asked) {
		t.Errorf("asked for %q, want %q\n%s", got, asked, output)
	}
	var used []string
	for _, base := range image.Base {
		used = append(used, base.Reference)
		if base.Digest != want[base.Reference] {
			t.Errorf("%s: %s, want %s", base.Reference, base.Digest, want[base.Reference])
		}
	}
	if !slices.Equal(used, slices.Sorted(maps.Keys(want))) {
		t.Errorf("used %q", used)
	}
	if len(image.Downloads) != 1 || image.Downloads[0].URL != url || !strings.HasPrefix(image.Downloads[0].Digest, "sha256:") {
		t.Errorf("downloads %v", image.Downloads)
	}
}

// TestRefusedDownloads: ADD of a URL and of a repository is refused before anything is
// fetched.
func TestRefusedDownloads(t *testing.T) {
	b, f := connect(t), newField(t)
	var requests []string
	var mu sync.Mutex
	downloads := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests = append(requests, r.URL.Path)
	}))
	defer downloads.Close()
	for name, source := range map[string]string{"file": downloads.URL + "/file", "repository": downloads.URL + "/repository.git#main"} {
		t.Run(name, func(t *testing.T) {
			r := request(t, tree(t, map[string]string{"Dockerfile": f.named("FROM GOOD\nADD " + source + " /x\n")}))
			r.Decide = f.decisions.decide
			if err := failedBuild(t, b, r); !strings.Contains(err.Error(), downloads.URL) || !strings.Contains(err.Error(), "no rule allows it") {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if len(requests) != 0 {
		t.Errorf("fetched %q", requests)
	}
}

// TestTheTagMoves: the name leads to another image once it was decided. The decided one
// is used, its configuration included.
func TestTheTagMoves(t *testing.T) {
	b, f := connect(t), newField(t)
	for name, dockerfile := range map[string]string{
		"FROM":        "FROM GOOD\n",
		"COPY --from": "FROM scratch\nCOPY --from=GOOD /payload /payload\n",
		"a mount":     "FROM GOOD AS a\nRUN --mount=from=GOOD,target=/m cat /m/payload > /payload\n",
	} {
		t.Run(name, func(t *testing.T) {
			shell := f.images.shell()
			_, decided := f.images.put("good:1", []v1.Layer{shell, f.images.layer(member{"payload", goodText})})
			r := request(t, tree(t, map[string]string{"Dockerfile": f.named(dockerfile)}))
			r.Decide = func(context.Context, builder.Source) (builder.Decision, error) {
				f.images.put("good:1", []v1.Layer{shell, f.images.layer(member{"payload", evilText})}, "RUN touch /triggered")
				return builder.Decision{Allow: true, Digest: decided}, nil
			}
			image, output := mustBuild(t, b, r)
			if len(image.Base) != 1 || image.Base[0] != (builder.BaseImage{Reference: f.good, Digest: decided}) {
				t.Errorf("base images %v", image.Base)
			}
			files := contents(t, r.Archive)
			if _, triggered := files["triggered"]; files["payload"] != goodText || triggered {
				t.Errorf("the image has %q; triggered %v\n%s", files["payload"], triggered, output)
			}
		})
	}
}

// TestDecideThatFails: an error of Decide keeps its kind, a panic fails the build only.
func TestDecideThatFails(t *testing.T) {
	b, f := connect(t), newField(t)
	r := request(t, tree(t, map[string]string{"Dockerfile": f.named("FROM GOOD\n")}))
	r.Decide = func(context.Context, builder.Source) (builder.Decision, error) {
		return builder.Decision{Allow: true}, builder.ErrUnauthorized
	}
	if err := failedBuild(t, b, r); !errors.Is(err, builder.ErrUnauthorized) {
		t.Errorf("the error is %v", err)
	}
	r.Decide = func(context.Context, builder.Source) (builder.Decision, error) { panic("a fault of Decide") }
	if err := failedBuild(t, b, r); !strings.Contains(err.Error(), "a fault of Decide") {
		t.Errorf("the error is %v", err)
	}
}
