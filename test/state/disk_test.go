//go:build stack

package state

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

const mib = 1 << 20

// The volume is full at one time or another, and later it is not. No test
// restarts the server: nothing of this needs it.
func TestFullVolume(t *testing.T) {
	l := startOnSmallVolume(t, 32)
	good := l.build(t)
	full := "the data volume is full: free space on it"

	t.Run("before a build", func(t *testing.T) {
		for name, free := range map[string]int64{"nearly": 2, "wholly": 0} {
			empty := l.fill(t, free)
			if said := l.refused(t, "build --env sbs-config.json"); !strings.Contains(said, full) {
				t.Errorf("%s: build: %s", name, said)
			}
			if volume := l.status(t).Volume; (free == 0) != strings.Contains(volume, full) {
				t.Errorf("%s: the status says of the volume: %q", name, volume)
			}
			good = l.goesOnAfter(t, good, empty)
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
			l.buildsRandom(t, strings.ReplaceAll(name, " ", "-"), test.size)
			status := l.fails(t)
			if !strings.HasPrefix(status.Status, api.FailureStatus(test.command)) || !strings.Contains(status.Cause, full) || status.Building {
				t.Errorf("status %+v", status)
			}
			latest := l.history(t)[0]
			if latest.Status != status.Status || latest.Manifest || latest.Finished.IsZero() {
				t.Errorf("the history says %+v", latest)
			}
			if log := l.guide(t, "log --log build --env sbs-config.json"); !strings.Contains(log, full) {
				t.Errorf("the log does not say why: %s", log)
			}
			good = l.goesOnAfter(t, good, func() {})
		})
	}
	t.Run("parameters", func(t *testing.T) {
		empty := l.fill(t, 0)
		if said := l.refused(t, "update --env sbs-config.json"); !strings.Contains(said, full) {
			t.Errorf("update: %s", said)
		}
		l.goesOnAfter(t, good, empty)
	})
}

// goesOnAfter fails unless the history can be read, the latest success good in
// it, and the server builds as soon as the volume is mended. It returns the name
// of that build.
func (l *lab) goesOnAfter(t *testing.T, good string, mend func()) string {
	t.Helper()
	l.serves(t, good)
	l.history(t)
	mend()
	l.nothingHalf(t)
	if volume := l.status(t).Volume; volume != "" {
		t.Errorf("the status still says of the volume: %s", volume)
	}
	l.configure(t, map[string]string{"GITHUB_URL": l.Git.SSHURL("small.git")})
	l.guide(t, "update --env sbs-config.json")
	next := l.build(t)
	l.serves(t, next)
	return next
}

// nothingHalf fails when something lies on the volume that is not whole.
func (l *lab) nothingHalf(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(l.Server.Volume(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".partial") {
			t.Errorf("half a file is left: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(l.path("work")); err != nil || len(left) != 0 {
		t.Errorf("scratch files are left: %v, %v", left, err)
	}
}

// A volume that the kernel has made read-only still shows what is on it, and
// serves again when it is mounted writable, without a restart.
func TestReadOnlyVolume(t *testing.T) {
	l := startOnSmallVolume(t, 16)
	good := l.build(t)
	l.remount(t, "ro")
	defer func() {
		if t.Failed() {
			l.remount(t, "rw")
		}
	}()
	const readOnly = "the data volume is read-only: see the system's log for why"
	for _, command := range []string{"build", "update", "get-state-image"} {
		if said := l.refused(t, command+" --env sbs-config.json"); !strings.Contains(said, readOnly) {
			t.Errorf("%s: %s", command, said)
		}
	}
	status := l.status(t)
	if status.Status != api.StatusSuccess || !strings.Contains(status.Volume, readOnly) {
		t.Errorf("status %+v", status)
	}
	if said := l.Server.Restart(t.Context()); said == nil || !strings.Contains(said.Error(), readOnly) {
		t.Errorf("a start: %v", said)
	}
	l.remount(t, "rw")
	if err := l.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.remount(t, "ro")
	l.goesOnAfter(t, good, func() { l.remount(t, "rw") })
}
