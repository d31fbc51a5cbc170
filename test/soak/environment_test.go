//go:build stack

package soak

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

const (
	repository = "soak.git"
	imageName  = "sbs/soak"

	// payloadSize is the size of incompressible content of the repository, in bytes. A
	// clone is interrupted within it.
	payloadSize = 400 << 10

	// timeout bounds every wait for an event. It does not measure speed; it only ends a
	// test that hangs.
	timeout = 3 * time.Minute
)

// environment is a running stack with an engine that belongs to the test, and with a
// gate in front of each part that the server connects to.
type environment struct {
	*kit.Environment
	engine    *engine
	temporary string // the server's TMPDIR
	mark      string // identifies the process of the Dockerfile's command
	mounted   bool
	late      *api.Status // of the previous build, if its record was not stored yet; or nil
}

// start starts the engine and the stack.
func start(t *testing.T) *environment {
	t.Helper()
	env := &environment{temporary: t.TempDir()}
	log, err := os.Create(filepath.Join(t.TempDir(), "engine.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() }) // written to until the engine has ended
	t.Cleanup(func() {
		if err := env.close(); err != nil {
			t.Error(err)
		}
	})
	programs, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	programs.Dir = filepath.Join(t.TempDir(), "stack")
	if env.engine, err = startEngine(t.Context(), slog.New(slog.NewTextHandler(log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_HOST", env.engine.running.Host())
	t.Setenv("TMPDIR", env.temporary)
	if env.Environment, err = kit.Start(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	t.Chdir(env.Dir())
	for _, prepare := range []func(context.Context) error{env.useOwnVolume, env.OpenGates, env.source} {
		if err := prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(env.Given, map[string]any{
		"GITHUB_URL": env.URL(repository), "DOCKER_REPO": imageName, "IMAGE_SIGNING": "dct,simple,sigstore", "BUILDS_KEPT": 10,
	})
	if _, err := env.Client.Init(t.Context(), env.Parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	return env
}

// useOwnVolume restarts the server with a separate file system as its volume.
func (env *environment) useOwnVolume(ctx context.Context) error {
	if err := env.Server.Stop(ctx); err != nil {
		return err
	}
	if err := env.mountVolume(); err != nil {
		return err
	}
	env.mounted = true
	return env.Server.Restart(ctx)
}

// source creates the repository. The duration of its command is a build argument, and
// the mark makes its process recognizable.
func (env *environment) source(ctx context.Context) error {
	payload := make([]byte, payloadSize)
	_, _ = rand.Read(payload) // never fails
	env.mark = strings.Map(func(r rune) rune { return '0' + r%10 }, rand.Text()[:9])
	dockerfile := fmt.Sprintf("FROM %s\nARG SECONDS=0\nCOPY payload /\nRUN sleep $SECONDS.1%s\n", env.BaseImage, env.mark)
	_, err := gitserver.CreateRepository(ctx, env.GitRoot, repository, map[string]gitserver.File{
		"Dockerfile": {Content: dockerfile}, "payload": {Content: string(payload)},
	})
	return err
}

// close stops the stack, and then the engine.
func (env *environment) close() error {
	var failed error
	if env.Environment != nil {
		failed = env.Close(context.Background())
	}
	if env.mounted {
		failed = errors.Join(failed, asRoot("umount", env.Server.Volume()))
	}
	if env.engine != nil {
		failed = errors.Join(failed, env.engine.close())
	}
	return failed
}
