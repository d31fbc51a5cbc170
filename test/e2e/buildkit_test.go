//go:build stack

package e2e

// Builds with BuildKit's daemon as a process of the server.

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/kit"
)

// withBuildKit starts a stack whose server runs BuildKit's daemon, which make
// bin/buildkitd has built. Daemons on one machine have different subnets.
func withBuildKit(t *testing.T, subnet string) *environment {
	t.Helper()
	options := programs
	options.Dir = filepath.Join(t.TempDir(), "stack")
	options.ServerEnvironment = append(slices.Clone(options.ServerEnvironment),
		"SBS_BUILDER=buildkit", "SBS_BUILDER_SUBNET="+subnet,
		"PATH="+filepath.Dir(absolute(t, "../../bin/buildkitd"))+":"+os.Getenv("PATH"))
	started, err := kit.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &environment{started}
}

// twoStages has steps that make files, links and folders at the time of the build.
const twoStages = `ARG BASE
FROM ${BASE} AS first
COPY . /src
RUN mkdir /made && cat /src/text /vendor > /made/text && ln /made/text /made/link && ln -s text /made/symlink && rm /src/text
FROM ${BASE}
COPY --from=first /made /made
RUN echo more >> /made/text && mkdir /empty
`

// TestTwoServersOneDigest builds one commit twice on one server, and once on another:
// in other folders, at other times, with another daemon and from another registry. The
// base image is verified, and the three images have one digest.
func TestTwoServersOneDigest(t *testing.T) {
	var digests, bases []string
	build := func(env *environment, v *vendor) {
		t.Helper()
		base := v.image("vendor/base:1")
		env.Initialise(t, "reproducible", with(
			policy(map[string]any{"image": base, "method": "digest", "key": []string{v.digest(t, base)}}),
			"ARG", map[string]any{"BASE": base}))
		built := env.MustBuild(t)
		record := env.record(t)
		want := []job.BaseImage{{Reference: base, Digest: v.digest(t, base), Method: api.BaseDigest}}
		if record.Tools["builder"] != "buildkitd" || record.Tools["buildkit"] == "" || !slices.Equal(record.BaseImages, want) {
			t.Errorf("the record has the tools %v and the base images %+v, want %+v", record.Tools, record.BaseImages, want)
		}
		if !strings.Contains(built.Log(), "mkdir /made") {
			t.Errorf("the log does not show the build:\n%s", built.Log())
		}
		env.NoScratchFiles(t)
		digests, bases = append(digests, record.ImageDigest), append(bases, v.digest(t, base))
	}
	for _, subnet := range []string{"10.87.16.0/24", "10.87.17.0/24"} {
		env := withBuildKit(t, subnet)
		v := env.newVendor(t)
		v.push(t, v.image("vendor/base:1"), "base")
		env.repository(t, "reproducible.git", files{"Dockerfile": twoStages, "text": "text\n"})
		build(env, v)
		if len(digests) == 1 {
			build(env, v)
		}
	}
	if bases[0] != bases[2] {
		t.Fatalf("the base images differ: %q", bases)
	}
	if digests[0] != digests[1] || digests[0] != digests[2] {
		t.Errorf("one commit gave the digests %q", digests)
	}
}

// TestBuildKitRefusesUnverifiedImages builds Dockerfiles that name an image which no
// rule covers, in ways that parsers of Dockerfiles read differently. Each build fails,
// and names the image.
func TestBuildKitRefusesUnverifiedImages(t *testing.T) {
	env := withBuildKit(t, "10.87.18.0/24")
	v := env.newVendor(t)
	base, evil := v.image("vendor/base:1"), v.image("evil/payload:1")
	v.push(t, base, "base")
	v.push(t, evil, "payload")
	rules := policy(map[string]any{"image": base, "method": "digest", "key": []string{v.digest(t, base)}})
	for name, dockerfile := range map[string]string{
		"from":     "FROM " + evil + "\nRUN true\n",
		"copy":     "FROM " + base + "\nCOPY --from=" + evil + " /vendor /payload\n",
		"mount":    "FROM " + base + "\nRUN --mount=from=" + evil + ",target=/x cp /x/vendor /payload\n",
		"escape":   "# escape=`\nFROM " + base + "\nCOPY --chown=0` --from=" + evil + " /vendor /payload\n",
		"argument": "ARG P=payload\nFROM " + strings.Replace(evil, "payload", "$P", 1) + "\nRUN true\n",
		"frontend": "# syntax=" + evil + "\nFROM " + base + "\nRUN true\n",
	} {
		t.Run(name, func(t *testing.T) {
			env.prepare(t, "refused-"+name, files{"Dockerfile": dockerfile}, rules)
			built := env.Build(t)
			if !api.Failed(built.Status.Status) || !strings.Contains(built.Status.Cause, "evil") && name != "frontend" {
				t.Errorf("ended as %q: %s", built.Status.Status, built.Status.Cause)
			}
			env.NoScratchFiles(t)
		})
	}
}
