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

// The volume gets full at different moments and has free space later. The server
// recovers from each without a restart.
func TestFullVolume(t *testing.T) {
	env := startOnSmallVolume(t, 32)
	good := env.build(t)
	full := "the data volume is full: free space on it"

	t.Run("before a build", func(t *testing.T) {
		for name, free := range map[string]int64{"nearly": 2, "wholly": 0} {
			empty := env.fill(t, free)
			if message := env.refusal(t, "build --env sbs-config.json"); !strings.Contains(message, full) {
				t.Errorf("%s: build: %s", name, message)
			}
			if volume := env.status(t).Volume; (free == 0) != strings.Contains(volume, full) {
				t.Errorf("%s: the status of the volume is %q", name, volume)
			}
			good = env.buildAfter(t, good, empty)
		}
	})
	for name, test := range map[string]struct {
		size    int // of the repository; its clone needs twice as much
		command string
	}{
		"while cloning":                  {30 * mib, "git clone"},
		"too little space for the build": {12 * mib, "git clone"},
		"while the manifest is signed":   {7 * mib, "tar -cjf manifest."},
	} {
		t.Run(name, func(t *testing.T) {
			env.configureRandom(t, strings.ReplaceAll(name, " ", "-"), test.size)
			status := env.buildFails(t)
			if !strings.HasPrefix(status.Status, api.FailureStatus(test.command)) || !strings.Contains(status.Cause, full) || status.Building {
				t.Errorf("status %+v", status)
			}
			latest := env.history(t)[0]
			if latest.Status != status.Status || latest.Manifest || latest.Finished.IsZero() {
				t.Errorf("the history has %+v", latest)
			}
			if log := env.cli(t, "log --log build --env sbs-config.json"); !strings.Contains(log, full) {
				t.Errorf("the log does not have the cause: %s", log)
			}
			good = env.buildAfter(t, good, func() {})
		})
	}
	t.Run("parameters", func(t *testing.T) {
		empty := env.fill(t, 0)
		if message := env.refusal(t, "update --env sbs-config.json"); !strings.Contains(message, full) {
			t.Errorf("update: %s", message)
		}
		env.buildAfter(t, good, empty)
	})
}

// buildAfter checks that the successful build good and the history are served,
// repairs the volume, checks that the next build succeeds, and returns its name.
func (env *environment) buildAfter(t *testing.T, good string, repair func()) string {
	t.Helper()
	env.checkServed(t, good)
	env.history(t)
	repair()
	env.checkNoPartialFiles(t)
	if volume := env.status(t).Volume; volume != "" {
		t.Errorf("the status of the volume is still %s", volume)
	}
	kit.Configure(t, env.Dir(), map[string]any{"GITHUB_URL": env.Git.SSHURL("small.git")})
	env.cli(t, "update --env sbs-config.json")
	next := env.build(t)
	env.checkServed(t, next)
	return next
}

// checkNoPartialFiles fails the test if the volume has a temporary or scratch file.
func (env *environment) checkNoPartialFiles(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(env.Server.Volume(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".partial") {
			t.Errorf("a partial file is left: %s", path)
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

// From a volume that the kernel has made read-only the server still serves builds,
// and it builds again when the volume is writable, without a restart.
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
		if message := env.refusal(t, command+" --env sbs-config.json"); !strings.Contains(message, readOnly) {
			t.Errorf("%s: %s", command, message)
		}
	}
	status := env.status(t)
	if status.Status != api.StatusSuccess || !strings.Contains(status.Volume, readOnly) {
		t.Errorf("status %+v", status)
	}
	if err := env.Server.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), readOnly) {
		t.Errorf("a start: %v", err)
	}
	env.remount(t, "rw")
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	env.remount(t, "ro")
	env.buildAfter(t, good, func() { env.remount(t, "rw") })
}
