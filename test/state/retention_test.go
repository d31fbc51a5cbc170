//go:build stack

package state

import (
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

// Older builds go as the configuration says, and never the latest success.
func TestRetention(t *testing.T) {
	env := startOnSmallVolume(t, 64)
	t.Run("count", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"BUILDS_KEPT": "3"})
		env.guide(t, "update --env sbs-config.json")
		var names []string
		for range 5 {
			names = append(names, env.build(t))
		}
		env.keeps(t, names[2:]...)
		for _, name := range names[2:] {
			env.serves(t, name)
		}
		if said := env.refused(t, "get-manifest --env sbs-config.json --build-name "+names[1]); !strings.Contains(said, "removed because of BUILDS_KEPT") {
			t.Errorf("get-manifest: %s", said)
		}
		env.restart(t)
		env.keeps(t, names[2:]...)
	})
	t.Run("count, with failures", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"BUILDS_KEPT": "2", "GITHUB_BRANCH": "main"})
		env.guide(t, "update --env sbs-config.json")
		good := env.build(t)
		kit.Configure(t, env.Dir(), map[string]any{"GITHUB_BRANCH": "no-such-branch"})
		for range 3 {
			env.fails(t)
		}
		kit.Configure(t, env.Dir(), map[string]any{"GITHUB_BRANCH": "main"})
		env.keeps(t, good, "")
		env.serves(t, good)
	})
	t.Run("size", func(t *testing.T) {
		env.buildsRandom(t, "random", 2*mib) // a manifest of about 4 MiB
		kit.Configure(t, env.Dir(), map[string]any{"BUILDS_KEPT": "100", "BUILDS_KEPT_SIZE": "6MiB"})
		env.guide(t, "update --env sbs-config.json")
		first := env.build(t)
		key := env.publicKey(t, first)
		last := env.build(t)
		if said := env.refused(t, "get-manifest --env sbs-config.json --build-name "+first); !strings.Contains(said, "the manifest of that build is not on this server any more") {
			t.Errorf("get-manifest: %s", said)
		}
		if env.publicKey(t, first) != key {
			t.Error("the key of a build whose manifest is gone is another one")
		}
		env.serves(t, last)
		var size int64
		for _, build := range env.history(t) {
			size += build.Size
			if build.Manifest != (build.BuildName == last) {
				t.Errorf("the history says %+v", build)
			}
		}
		if size > 6*mib {
			t.Errorf("the builds take %d bytes", size)
		}
	})
}

// With its own limits, which are larger than the volume, the server never fills
// it: manifests that are larger than it altogether are made, one after the other.
func TestBuildsDoNotFillVolume(t *testing.T) {
	const size = 16
	env := startOnSmallVolume(t, size)
	env.buildsRandom(t, "large", 3*mib/2) // its build takes up to 9 MiB
	env.guide(t, "update --env sbs-config.json")
	var made int64
	for made < size*mib*5/4 {
		name := env.build(t)
		env.serves(t, name)
		made += env.history(t)[0].ManifestSize
	}
	if volume := env.status(t).Volume; volume != "" {
		t.Errorf("the status says of the volume: %s", volume)
	}
}

// keeps fails unless exactly these builds are listed, oldest first. A build
// without a name is one that failed.
func (env *environment) keeps(t *testing.T, names ...string) {
	t.Helper()
	var listed []string
	for _, build := range slices.Backward(env.history(t)) {
		if (build.BuildName == "") == (build.Status == api.StatusSuccess) {
			t.Errorf("the history says %+v", build)
		}
		listed = append(listed, build.BuildName)
	}
	if !slices.Equal(listed, names) {
		t.Errorf("listed are %q, want %q", listed, names)
	}
}
