//go:build stack

package soak

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	docker "github.com/docker/docker/client"
	buildkit "github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/server/dockerd"
)

// engineCommands and engineGone are the step and the cause of a build that fails
// because the engine ended.
var (
	engineCommands = []string{"docker build --build-arg SECONDS=600 -t 127.0.0.1:"}
	engineGone     = regexp.MustCompile(`the builder ended during this build`)
)

// long are parameters that make the Dockerfile's command run until it is stopped.
var long = map[string]any{"ARG": map[string]string{"SECONDS": "600"}}

// engineRestarted: the engine is restarted during a build.
var engineRestarted = fault{
	name: "engine restarted", parameters: long, commands: engineCommands, cause: engineGone,
	moments: []moment{{"in a command", func(env *environment, _ *rand.Rand) *injection {
		return &injection{inject: func(ctx context.Context) error {
			if err := env.commandRuns(ctx); err != nil {
				return err
			}
			return env.engine.restart(ctx)
		}}
	}}},
}

// engineKilled: the engine is killed during a build, but not the Dockerfile's command.
var engineKilled = fault{
	name: "engine killed", parameters: long, commands: engineCommands, cause: engineGone,
	moments: []moment{{"in a command", func(env *environment, _ *rand.Rand) *injection {
		return &injection{inject: func(ctx context.Context) error {
			if err := env.commandRuns(ctx); err != nil {
				return err
			}
			if err := env.engine.kill(ctx); err != nil {
				return err
			}
			return env.engine.restart(ctx)
		}}
	}}},
}

// commandRuns waits until the command of the Dockerfile runs.
func (env *environment) commandRuns(ctx context.Context) error {
	return eventually(ctx, "the command of the Dockerfile runs", func() (bool, error) {
		found, err := env.commands()
		return len(found) > 0, err
	})
}

// engine is a Docker Engine that belongs to the test.
type engine struct {
	config   dockerd.Config
	bridge   string
	running  *dockerd.Daemon
	docker   *docker.Client
	buildkit *buildkit.Client
}

// startEngine starts an engine. Its folder is not the test's, because the path of a
// socket must be short.
func startEngine(ctx context.Context, log *slog.Logger) (*engine, error) {
	program, err := filepath.Abs("testdata/engine.sh")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	e := &engine{bridge: "sbs" + strconv.Itoa(os.Getpid())}
	e.config = dockerd.Config{
		Program: filepath.Join(dir, e.bridge), Group: filepath.Base(dir), Logger: log,
		Data: filepath.Join(dir, "data"), Run: filepath.Join(dir, "run"),
	}
	if err := os.Symlink(program, e.config.Program); err != nil {
		return e, err
	}
	if e.running, err = dockerd.Start(ctx, e.config); err != nil {
		return e, err
	}
	if e.docker, err = docker.NewClientWithOpts(docker.WithHost(e.running.Host()), docker.WithAPIVersionNegotiation()); err != nil {
		return e, err
	}
	e.buildkit, err = buildkit.New(ctx, "", buildkit.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return e.docker.DialHijack(ctx, "/grpc", "h2c", nil)
	}))
	return e, err
}

// restart stops the engine, if it runs, and starts it again. It does so even if ctx,
// which is that of a build, has ended meanwhile.
func (e *engine) restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := e.running.Stop(); err != nil {
		return err
	}
	running, err := dockerd.Start(ctx, e.config)
	if err == nil {
		e.running = running
	}
	return err
}

// kill kills only the engine's process, and waits until its containerd has ended too:
// an engine that starts before that can't start its own.
func (e *engine) kill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	text, err := os.ReadFile(filepath.Join(e.config.Run, "docker.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("the engine's process id is %q", text)
	}
	text, err = os.ReadFile(filepath.Join(e.config.Run, "exec", "containerd", "containerd.pid"))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	return eventually(ctx, "the engine's containerd has ended", func() (bool, error) {
		_, err := os.Stat(filepath.Join("/proc", strings.TrimSpace(string(text))))
		return errors.Is(err, fs.ErrNotExist), nil
	})
}

// close stops the engine and removes its data.
func (e *engine) close() error {
	var failed error
	if e.buildkit != nil {
		failed = e.buildkit.Close()
	}
	if e.docker != nil {
		failed = errors.Join(failed, e.docker.Close())
	}
	if e.running != nil {
		failed = errors.Join(failed, e.running.Stop(), asRoot("ip", "link", "delete", e.bridge), e.checkGroups())
	}
	return errors.Join(failed, os.RemoveAll(filepath.Dir(e.config.Run)))
}

// checkGroups returns an error when cgroups of the engine's containers remain. With
// cgroup v1 there is one for each controller.
func (e *engine) checkGroups() error {
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		left, err := filepath.Glob(filepath.Join(pattern, e.config.Group))
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return fmt.Errorf("cgroups were not removed: %q", left)
		}
	}
	return nil
}
