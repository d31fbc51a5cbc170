//go:build stack

package state

import (
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

// Older builds are removed as configured, and the latest success never is.
func TestRetention(t *testing.T) {
	env := startOnSmallVolume(t, 64)
	t.Run("count", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"BUILDS_KEPT": "3"})
		env.cli(t, "update --env sbs-config.json")
		var names []string
		for range 5 {
			names = append(names, env.build(t))
		}
		env.checkListed(t, names[2:]...)
		for _, name := range names[2:] {
			env.checkServed(t, name)
		}
		if message := env.refusal(t, "get-manifest --env sbs-config.json --build-name "+names[1]); !strings.Contains(message, "removed because of BUILDS_KEPT") {
			t.Errorf("get-manifest: %s", message)
		}
		env.restart(t)
		env.checkListed(t, names[2:]...)
	})
	t.Run("count, with failures", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"BUILDS_KEPT": "2", "GITHUB_BRANCH": "main"})
		env.cli(t, "update --env sbs-config.json")
		good := env.build(t)
		kit.Configure(t, env.Dir(), map[string]any{"GITHUB_BRANCH": "no-such-branch"})
		for range 3 {
			env.buildFails(t)
		}
		kit.Configure(t, env.Dir(), map[string]any{"GITHUB_BRANCH": "main"})
		env.checkListed(t, good, "")
		env.checkServed(t, good)
	})
	t.Run("size", func(t *testing.T) {
		env.configureRandom(t, "random", 2*mib) // a manifest of about 4 MiB
		kit.Configure(t, env.Dir(), map[string]any{"BUILDS_KEPT": "100", "BUILDS_KEPT_SIZE": "6MiB"})
		env.cli(t, "update --env sbs-config.json")
		first := env.build(t)
		key := env.publicKey(t, first)
		last := env.build(t)
		if message := env.refusal(t, "get-manifest --env sbs-config.json --build-name "+first); !strings.Contains(message, "the manifest of that build is not on this server any more") {
			t.Errorf("get-manifest: %s", message)
		}
		if env.publicKey(t, first) != key {
			t.Error("the key of a build whose manifest was removed has changed")
		}
		env.checkServed(t, last)
		var size int64
		for _, build := range env.history(t) {
			size += build.Size
			if build.Manifest != (build.BuildName == last) {
				t.Errorf("the history has %+v", build)
			}
		}
		if size > 6*mib {
			t.Errorf("the builds have %d bytes", size)
		}
	})
}

// With the default limits, which are larger than the volume, builds never fill it:
// the manifests of all builds together are larger than the volume.
func TestBuildsDoNotFillVolume(t *testing.T) {
	const size = 16
	env := startOnSmallVolume(t, size)
	env.configureRandom(t, "large", 3*mib/2) // its build needs up to 9 MiB
	env.cli(t, "update --env sbs-config.json")
	var made int64
	for made < size*mib*5/4 {
		name := env.build(t)
		env.checkServed(t, name)
		made += env.history(t)[0].ManifestSize
	}
	if volume := env.status(t).Volume; volume != "" {
		t.Errorf("the status of the volume is %s", volume)
	}
}

// checkListed fails the test unless exactly these builds are listed, oldest first.
// The empty name is a failed build.
func (env *environment) checkListed(t *testing.T, names ...string) {
	t.Helper()
	var listed []string
	for _, build := range slices.Backward(env.history(t)) {
		if (build.BuildName == "") == (build.Status == api.StatusSuccess) {
			t.Errorf("the history has %+v", build)
		}
		listed = append(listed, build.BuildName)
	}
	if !slices.Equal(listed, names) {
		t.Errorf("listed are %q, want %q", listed, names)
	}
}
