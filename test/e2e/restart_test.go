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
	"github.com/opensbs/sbs/test/kit"
)

// keys are the keys that must never change: that of the image's signature and that of
// the manifest.
type keys struct{ image, manifest string }

func (env *environment) keys(t *testing.T) keys {
	t.Helper()
	config, err := env.Client.ImageConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := env.Client.PublicKey(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return keys{config.PublicKeyID, manifest.PublicKeyPEM}
}

// A server that is killed in a step reports the build as failed after the restart,
// still has its parameters and earlier builds, and builds again with the same keys.
func TestKilledInEveryStep(t *testing.T) {
	env := shared
	for _, step := range env.steps() {
		t.Run(step.name, func(t *testing.T) {
			name := "killed-" + strings.ReplaceAll(step.name, " ", "-")
			good, want := env.goodBuild(t, name)
			reached := step.hold(t, name)
			env.StartBuild(t)
			reached()
			held := env.Status(t)
			if err := env.Server.Kill(); err != nil {
				t.Fatal(err)
			}
			env.Gates.ReleaseAll()
			if err := env.Server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			status := env.Status(t)
			command := env.fill(step.command, name, held)
			if status.Status != api.FailureStatus(command) || status.Building || !strings.Contains(status.Cause, "the server was stopped") {
				t.Errorf("after the restart: %q (%s), want %q", status.Status, status.Cause, api.FailureStatus(command))
			}
			env.NothingLeft(t, env.ImageOf(name))
			env.checkServed(t, good)

			// The parameters are still stored, without another init.
			env.commit(t, name+".git", hello)
			env.MustBuild(t)
			if got := env.keys(t); got != want {
				t.Errorf("the keys are %v, want %v", got, want)
			}
			env.NothingLeft(t, env.ImageOf(name))
		})
	}
}

// A server that starts while the engine is down does not wait for it, and the cleanup
// of the killed build follows in the next build.
func TestRestartedWithoutEngine(t *testing.T) {
	env := shared
	env.prepare(t, "engineless", hello, nil)
	reached := kit.HoldAtGate(t, env.Gates.Engine, "/images/get?") // the image is built and is being saved
	env.StartBuild(t)
	reached()
	if err := env.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	env.Gates.ReleaseAll()
	err := env.Gates.Engine.Down()
	restarted := env.Server.Restart(t.Context())
	if err := errors.Join(err, restarted, env.Gates.Engine.Up()); err != nil {
		t.Fatal(err)
	}
	if status := env.Status(t); !api.Failed(status.Status) || status.Building {
		t.Errorf("after the restart: %+v, want that the build was interrupted", status)
	}
	if len(env.Images(t, env.ImageOf("engineless"))) == 0 {
		t.Error("the killed build left no image, so that this tests nothing")
	}
	env.commit(t, "engineless.git", hello)
	env.MustBuild(t)
	env.NothingLeft(t, env.ImageOf("engineless"))
}

// goodBuild runs a successful build of another source repository with the image of
// name, and returns its build name and the keys.
func (env *environment) goodBuild(t *testing.T, name string) (buildName string, k keys) {
	t.Helper()
	env.repository(t, "before-"+name+".git", hello)
	env.Initialise(t, name, map[string]any{"GITHUB_URL": env.URL("before-" + name + ".git")})
	return env.MustBuild(t).BuildName, env.keys(t)
}

func (env *environment) fill(command, name string, status api.Status) string {
	return strings.NewReplacer("{image}", env.ImageOf(name), "{tag}", status.ImageTag, "{name}", status.BuildName,
		"{url}", env.URL(name+".git")).Replace(command)
}

// checkServed fails the test unless the server serves a valid manifest of an earlier
// build.
func (env *environment) checkServed(t *testing.T, buildName string) {
	t.Helper()
	env.unpackManifest(t, buildName)
}

// stopLimit bounds the stop of a server during a build.
const stopLimit = 15 * time.Second

// A server stops in every step on SIGTERM, and reports the build as failed after the
// restart.
func TestStoppedInEveryStep(t *testing.T) {
	env := shared
	for _, step := range env.steps() {
		t.Run(step.name, func(t *testing.T) {
			name := "stopped-" + strings.ReplaceAll(step.name, " ", "-")
			reached := step.hold(t, name)
			env.StartBuild(t)
			reached()
			began := time.Now()
			if err := syscall.Kill(env.Server.PID(), syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			kit.AwaitClosed(t, "the server has stopped", env.Server.Done())
			if took := time.Since(began); took > stopLimit {
				t.Errorf("the server took %v to stop", took)
			}
			if err := env.Server.Err(); err != nil {
				t.Errorf("the server ended with %v, want exit code 0", err)
			}
			env.NothingLeft(t, env.ImageOf(name))
			env.Gates.ReleaseAll()
			if err := env.Server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if status := env.Status(t); !api.Failed(status.Status) || status.Building || !strings.Contains(status.Cause, "the server was shut down") {
				t.Errorf("after the restart: %+v, want that it was shut down", status)
			}
			env.commit(t, name+".git", hello)
			env.MustBuild(t)
		})
	}
}

// A server with another image secret refuses the volume.
func TestVolumeOfAnotherServerImage(t *testing.T) {
	env := shared
	good, _ := env.goodBuild(t, "other-secret")
	path := filepath.Join(env.Server.Enclave(), "image-secret")
	secret, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(secret)
	_, _ = rand.Read(other) // never fails
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := env.Server.Restart(t.Context())
	if err := os.WriteFile(path, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if refused == nil || !strings.Contains(refused.Error(), "this data volume belongs to another server image") {
		t.Errorf("a server with another image secret: %v, want that it refuses the volume", refused)
	}
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	env.checkServed(t, good)
	env.MustBuild(t)
}
