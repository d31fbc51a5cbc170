//go:build stack

package buildkit

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/opensbs/sbs/server/builder"
)

// TestDifferential builds Dockerfiles that are put together at random, with a policy
// that allows only some images. Three parts that know nothing of each other must agree:
// what was decided, what the daemon's record has, and what the registry was asked for.
func TestDifferential(t *testing.T) {
	const builds, seed = 30, 20251124
	b, images, random := connect(t), newImages(t), rand.New(rand.NewPCG(seed, seed))
	shell := images.shell()
	names := []string{"one", "two", "three", "four"}
	digests := map[string]string{}
	for _, name := range names {
		full, digest := images.put(name+":1", []v1.Layer{shell, images.layer(member{"payload", name})})
		digests[full] = digest
	}
	succeeded := 0
	for number := range builds {
		text := randomDockerfile(random, images.host, names)
		allowed := map[string]bool{}
		for full := range digests {
			allowed[full] = random.IntN(5) != 0
		}
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			images.mu.Lock()
			images.fetched = nil
			images.mu.Unlock()
			var mu sync.Mutex
			decided := map[string]bool{}
			r := request(t, tree(t, map[string]string{"Dockerfile": text, "file": "x"}))
			r.Decide = func(_ context.Context, source builder.Source) (builder.Decision, error) {
				mu.Lock()
				defer mu.Unlock()
				decided[source.Name] = true
				return builder.Decision{Allow: allowed[source.Name], Digest: digests[source.Name], Reason: "it is not allowed"}, nil
			}
			image, err := b.Build(t.Context(), r, io.Discard)
			if err == nil {
				succeeded++
				if err := image.Remove(t.Context()); err != nil {
					t.Error(err)
				}
			} else if !strings.Contains(err.Error(), "it is not allowed") {
				t.Errorf("%v\n%s", err, text)
			}
			for _, base := range image.Base {
				if !decided[base.Reference] || !allowed[base.Reference] || digests[base.Reference] != base.Digest {
					t.Errorf("the record has %v\n%s", base, text)
				}
			}
			for _, name := range names {
				full := images.host + "/" + name + ":1"
				used := slices.ContainsFunc(image.Base, func(base builder.BaseImage) bool { return base.Reference == full })
				if fetched := images.fetches(name); len(fetched) > 0 && !(decided[full] && allowed[full]) {
					t.Errorf("the registry was asked for %q\n%s", fetched, text)
				}
				if err == nil && used != decided[full] {
					t.Errorf("%s: in the record %v, decided %v\n%s", name, used, decided[full], text)
				}
			}
		})
	}
	if succeeded == 0 || succeeded == builds {
		t.Errorf("%d of %d builds succeed: the test shows nothing", succeeded, builds)
	}
}

// randomDockerfile returns a Dockerfile that BuildKit can build, with up to three stages.
func randomDockerfile(random *rand.Rand, host string, names []string) string {
	image := func() string { return host + "/" + names[random.IntN(len(names))] + ":1" }
	var text strings.Builder
	if random.IntN(3) == 0 {
		text.WriteString("# escape=`\n")
	}
	fmt.Fprintf(&text, "ARG BASE=%s\n", image())
	stages := 1 + random.IntN(3)
	for stage := range stages {
		from := []string{image(), "${BASE}", "--platform=linux/" + arch + " " + image()}
		if stage > 0 {
			from = append(from, fmt.Sprintf("s%d", random.IntN(stage)))
		}
		fmt.Fprintf(&text, "FROM %s AS s%d\n", from[random.IntN(len(from))], stage)
		for range random.IntN(4) {
			lines := []string{
				"COPY --from=" + image() + " /payload /copied",
				"COPY file /file",
				"COPY --chown=0:0 --from=" + image() + " /payload /chowned",
				"RUN --mount=from=" + image() + ",target=/m cat /m/payload",
				"RUN cat <<END\nFROM " + image() + "\nEND",
				"# COPY --from=" + image() + " /payload /commented",
				"LABEL from=\"--from=" + image() + "\"",
				"ONBUILD COPY --from=" + image() + " /payload /triggered",
			}
			if stage > 0 {
				lines = append(lines, fmt.Sprintf("COPY --from=%d /payload /staged", random.IntN(stage)))
			}
			text.WriteString(lines[random.IntN(len(lines))] + "\n")
		}
	}
	return text.String()
}
