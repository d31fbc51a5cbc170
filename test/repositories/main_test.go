//go:build stack

package repositories

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"

	docker "github.com/docker/docker/client"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/loopback"
	"github.com/opensbs/sbs/test/kit"
)

// planted stands in the server's environment, where no build may find it.
const planted = "planted-9f1c27d3e5b84a60"

// environment is a stack and a client of its server.
type environment struct {
	*harness.Stack
	client *client.Client
	docker *docker.Client
	cli    string         // path of the program
	given  map[string]any // parameters for a build, without a repository
	health string         // address of the server's health port
}

// shared is the stack of all tests.
var shared *environment

func TestMain(m *testing.M) { kit.Run(m, start) }

func start(ctx context.Context, dir string, programs harness.Options) (stop func() error, err error) {
	port, err := loopback.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	health := net.JoinHostPort("127.0.0.1", port)
	programs.Dir = filepath.Join(dir, "stack")
	programs.ServerEnvironment = []string{"PLANTED=" + planted, "SBS_HEALTH_LISTEN=" + health}
	stack, err := harness.Start(ctx, programs)
	if err != nil {
		return nil, err
	}
	shared = &environment{Stack: stack, cli: programs.ClientBinary, health: health}
	if err := shared.connect(); err != nil {
		return nil, errors.Join(err, shared.close())
	}
	return shared.close, nil
}

func (env *environment) connect() (err error) {
	if env.docker, err = docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation()); err != nil {
		return err
	}
	if env.client, err = kit.Connect(env.Dir()); err != nil {
		return err
	}
	if env.given, err = kit.Parameters(env.Dir()); err != nil {
		return err
	}
	env.given["IMAGE_SIGNING"] = "simple" // the quickest
	return nil
}

func (env *environment) close() error {
	if env.client != nil {
		env.client.Close()
	}
	err := env.Close(context.Background())
	if env.docker != nil {
		err = errors.Join(err, env.docker.Close())
	}
	return err
}
