//go:build stack

package state

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

const mib = 1 << 20

// The volume is full at one time or another, and later it is not. No test
// restarts the server: nothing of this needs it.
func TestFullVolume(t *testing.T) {
	env := startOnSmallVolume(t, 32)
	good := env.build(t)
	full := "the data volume is full: free space on it"

	t.Run("before a build", func(t *testing.T) {
		for name, free := range map[string]int64{"nearly": 2, "wholly": 0} {
			empty := env.fill(t, free)
			if said := env.refused(t, "build --env sbs-config.json"); !strings.Contains(said, full) {
				t.Errorf("%s: build: %s", name, said)
			}
			if volume := env.status(t).Volume; (free == 0) != strings.Contains(volume, full) {
				t.Errorf("%s: the status says of the volume: %q", name, volume)
			}
			good = env.goesOnAfter(t, good, empty)
		}
	})
	for name, test := range map[string]struct {
		size    int // of the repository; its clone takes twice as much
		command string
	}{
		"while cloning":                 {30 * mib, "git clone"},
		"clone leaves no room for more": {12 * mib, "git clone"},
		"while the manifest is signed":  {7 * mib, "tar -cjf manifest."},
	} {
		t.Run(name, func(t *testing.T) {
			env.buildsRandom(t, strings.ReplaceAll(name, " ", "-"), test.size)
			status := env.fails(t)
			if !strings.HasPrefix(status.Status, api.FailureStatus(test.command)) || !strings.Contains(status.Cause, full) || status.Building {
				t.Errorf("status %+v", status)
			}
			latest := env.history(t)[0]
			if latest.Status != status.Status || latest.Manifest || latest.Finished.IsZero() {
				t.Errorf("the history says %+v", latest)
			}
			if log := env.guide(t, "log --log build --env sbs-config.json"); !strings.Contains(log, full) {
				t.Errorf("the log does not say why: %s", log)
			}
			good = env.goesOnAfter(t, good, func() {})
		})
	}
	t.Run("parameters", func(t *testing.T) {
		empty := env.fill(t, 0)
		if said := env.refused(t, "update --env sbs-config.json"); !strings.Contains(said, full) {
			t.Errorf("update: %s", said)
		}
		env.goesOnAfter(t, good, empty)
	})
}

// goesOnAfter fails unless the history can be read, the latest success good in
// it, and the server builds as soon as the volume is mended. It returns the name
// of that build.
func (env *environment) goesOnAfter(t *testing.T, good string, mend func()) string {
	t.Helper()
	env.serves(t, good)
	env.history(t)
	mend()
	env.nothingHalf(t)
	if volume := env.status(t).Volume; volume != "" {
		t.Errorf("the status still says of the volume: %s", volume)
	}
	kit.Configure(t, env.Dir(), map[string]any{"GITHUB_URL": env.Git.SSHURL("small.git")})
	env.guide(t, "update --env sbs-config.json")
	next := env.build(t)
	env.serves(t, next)
	return next
}

// nothingHalf fails when something lies on the volume that is not whole.
func (env *environment) nothingHalf(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(env.Server.Volume(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".partial") {
			t.Errorf("half a file is left: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(env.path("work")); err != nil || len(left) != 0 {
		t.Errorf("scratch files are left: %v, %v", left, err)
	}
}

// A volume that the kernel has made read-only still shows what is on it, and
// serves again when it is mounted writable, without a restart.
func TestReadOnlyVolume(t *testing.T) {
	env := startOnSmallVolume(t, 16)
	good := env.build(t)
	env.remount(t, "ro")
	defer func() {
		if t.Failed() {
			env.remount(t, "rw")
		}
	}()
	const readOnly = "the data volume is read-only: see the system's log for why"
	for _, command := range []string{"build", "update", "get-state-image"} {
		if said := env.refused(t, command+" --env sbs-config.json"); !strings.Contains(said, readOnly) {
			t.Errorf("%s: %s", command, said)
		}
	}
	status := env.status(t)
	if status.Status != api.StatusSuccess || !strings.Contains(status.Volume, readOnly) {
		t.Errorf("status %+v", status)
	}
	if said := env.Server.Restart(t.Context()); said == nil || !strings.Contains(said.Error(), readOnly) {
		t.Errorf("a start: %v", said)
	}
	env.remount(t, "rw")
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	env.remount(t, "ro")
	env.goesOnAfter(t, good, func() { env.remount(t, "rw") })
}
