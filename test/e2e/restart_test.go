//go:build stack

package e2e

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
)

// keys are those that must never change while a server lives.
type keys struct{ image, manifest string }

func (l *lab) keys(t *testing.T) keys {
	t.Helper()
	config, err := l.client.ImageConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := l.client.PublicKey(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return keys{config.PublicKeyID, manifest.PublicKeyPEM}
}

// A server that is killed in a step says so when it is back, has lost nothing,
// and builds again with the same keys.
func TestKilledInEveryStep(t *testing.T) {
	l := shared
	for _, step := range l.steps() {
		t.Run(step.name, func(t *testing.T) {
			name := "killed-" + strings.ReplaceAll(step.name, " ", "-")
			good, want := l.goodBuild(t, name)
			reached := step.hold(t, name)
			l.begin(t)
			reached()
			held := l.status(t)
			if err := l.Server.Kill(); err != nil {
				t.Fatal(err)
			}
			l.releaseAll()
			if err := l.Server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			status := l.status(t)
			command := l.fill(step.command, name, held)
			if status.Status != api.FailureStatus(command) || status.Building || !strings.Contains(status.Cause, "the server was stopped") {
				t.Errorf("after the restart: %q (%s), want %q", status.Status, status.Cause, api.FailureStatus(command))
			}
			l.nothingLeft(t, l.image(name))
			l.checkServed(t, good)

			// The parameters are still there, without another init.
			l.commit(t, name+".git", hello)
			l.succeed(t)
			if got := l.keys(t); got != want {
				t.Errorf("the keys were %v and are %v", want, got)
			}
			l.nothingLeft(t, l.image(name))
		})
	}
}

// A server that starts while the engine is away does not wait for it, and its
// next build clears up.
func TestRestartedWithoutEngine(t *testing.T) {
	l := shared
	l.prepare(t, "engineless", hello, nil)
	reached := l.holding(t, l.registry, "PUT /v2/sbs/engineless/manifests/")
	l.begin(t)
	reached()
	if err := l.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	l.releaseAll()
	err := l.engine.Down()
	restarted := l.Server.Restart(t.Context())
	if err := errors.Join(err, restarted, l.engine.Up()); err != nil {
		t.Fatal(err)
	}
	if status := l.status(t); !api.Failed(status.Status) || status.Building {
		t.Errorf("after the restart: %+v, want that the build was interrupted", status)
	}
	if len(l.images(t, l.image("engineless"))) == 0 {
		t.Error("the killed build left no image: nothing is tested")
	}
	l.commit(t, "engineless.git", hello)
	l.succeed(t)
	l.nothingLeft(t, l.image("engineless"))
}

// goodBuild makes one build that succeeds, in a repository of its own but with
// the image of that name, so that its keys are known.
func (l *lab) goodBuild(t *testing.T, name string) (buildName string, k keys) {
	t.Helper()
	l.repository(t, "before-"+name+".git", hello)
	l.initialise(t, name, map[string]any{"GITHUB_URL": l.url("before-" + name + ".git")})
	return l.succeed(t).BuildName, l.keys(t)
}

func (l *lab) fill(command, name string, status api.Status) string {
	return strings.NewReplacer("{image}", l.image(name), "{tag}", status.ImageTag, "{name}", status.BuildName,
		"{url}", l.url(name+".git")).Replace(command)
}

// checkServed fails when the manifest of an earlier build is not served and
// genuine.
func (l *lab) checkServed(t *testing.T, buildName string) {
	t.Helper()
	l.unpacked(t, buildName)
}

// stopLimit is how long a server may take to stop in the middle of a build.
const stopLimit = 15 * time.Second

// A server that is asked to stop in a step does, and says so when it is back.
func TestStoppedInAStep(t *testing.T) {
	l := shared
	for _, step := range l.steps() {
		t.Run(step.name, func(t *testing.T) {
			name := "stopped-" + strings.ReplaceAll(step.name, " ", "-")
			reached := step.hold(t, name)
			l.begin(t)
			reached()
			began := time.Now()
			if err := syscall.Kill(l.Server.PID(), syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			reach(t, "the server has stopped", l.Server.Done())
			if took := time.Since(began); took > stopLimit {
				t.Errorf("the server took %v to stop", took)
			}
			if err := l.Server.Err(); err != nil {
				t.Errorf("the server ended with %v, want exit code 0", err)
			}
			l.nothingLeft(t, l.image(name))
			l.releaseAll()
			if err := l.Server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if status := l.status(t); !api.Failed(status.Status) || status.Building || !strings.Contains(status.Cause, "the server was shut down") {
				t.Errorf("after the restart: %+v, want that it was shut down", status)
			}
			l.commit(t, name+".git", hello)
			l.succeed(t)
		})
	}
}

// A volume belongs to the image secret that it was sealed under.
func TestVolumeOfAnotherServerImage(t *testing.T) {
	l := shared
	good, _ := l.goodBuild(t, "other-secret")
	path := filepath.Join(l.Server.Enclave(), "image-secret")
	secret, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(secret)
	_, _ = rand.Read(other) // never fails
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := l.Server.Restart(t.Context())
	if err := os.WriteFile(path, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if refused == nil || !strings.Contains(refused.Error(), "this data volume belongs to another server image") {
		t.Errorf("a server with another image secret: %v, want that it refuses the volume", refused)
	}
	if err := l.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.checkServed(t, good)
	l.succeed(t)
}
