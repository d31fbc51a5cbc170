//go:build stack

package kit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	docker "github.com/docker/docker/client"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/test/gate"
	"github.com/opensbs/sbs/test/harness"
)

// Environment is a running stack with its developer's client.
type Environment struct {
	*harness.Stack
	Client   *client.Client
	Docker   *docker.Client // connected to the engine, not to its gate
	Given    map[string]any // parameters of a build, without a repository
	Programs harness.Options
	Gates    Gates

	sockets string // folder of the socket of the engine's gate
}

// Gates are proxies between the server and its dependencies. A field is nil if the
// environment was started without that gate.
type Gates struct{ Engine, Registry, Notary, Git *gate.Gate }

// Start starts a stack without gates. The caller closes it.
func Start(ctx context.Context, options harness.Options) (*Environment, error) {
	env := &Environment{Programs: options}
	return env.closeOnError(env.start(ctx, options))
}

// StartWithGates starts a stack whose server reaches the engine, the registry,
// the notary server and the git server through gates. The caller closes it.
func StartWithGates(ctx context.Context, options harness.Options) (*Environment, error) {
	env := &Environment{Programs: options}
	err := env.startWithEngineGate(ctx, options)
	if err == nil {
		err = env.OpenGates(ctx)
	}
	return env.closeOnError(err)
}

// StartForTest builds the programs and starts a stack without gates. The test's
// cleanup closes it. change, unless it is nil, may change the options.
func StartForTest(t testing.TB, change func(*harness.Options)) *Environment {
	t.Helper()
	options, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	options.Dir = filepath.Join(t.TempDir(), "stack")
	if change != nil {
		change(&options)
	}
	env, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return env
}

func (env *Environment) start(ctx context.Context, options harness.Options) (err error) {
	if env.Docker, err = docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation()); err != nil {
		return fmt.Errorf("find the Docker Engine: %w", err)
	}
	if env.Stack, err = harness.Start(ctx, options); err != nil {
		return err
	}
	if env.Client, err = Connect(env.Dir()); err != nil {
		return err
	}
	if env.Given, err = Parameters(env.Dir()); err != nil {
		return err
	}
	delete(env.Given, "GITHUB_URL")
	return nil
}

func (env *Environment) startWithEngineGate(ctx context.Context, options harness.Options) error {
	engine, err := docker.NewClientWithOpts(docker.FromEnv)
	if err != nil {
		return fmt.Errorf("find the Docker Engine: %w", err)
	}
	defer engine.Close()
	host, err := url.Parse(engine.DaemonHost())
	if err != nil {
		return err
	}
	if host.Scheme != "unix" {
		return fmt.Errorf("the tests need an engine at a unix socket, not at %s", host)
	}
	// The path of a socket must be short; that of a test's folder often is not.
	if env.sockets, err = os.MkdirTemp("", "gate"); err != nil {
		return err
	}
	if env.Gates.Engine, err = gate.New("unix", filepath.Join(env.sockets, "engine.sock"), host.Path); err != nil {
		return err
	}
	options.ServerEnvironment = append(options.ServerEnvironment, "DOCKER_HOST=unix://"+env.Gates.Engine.Address())
	return env.start(ctx, options)
}

// OpenGates opens gates to the registry, the notary server and the git server, and
// changes the parameters to their addresses.
func (env *Environment) OpenGates(context.Context) error {
	ssh, err := url.Parse(env.Git.SSHURL(""))
	if err != nil {
		return err
	}
	for target, g := range map[string]**gate.Gate{
		env.Registry.Address(): &env.Gates.Registry,
		ssh.Host:               &env.Gates.Git,
		strings.TrimPrefix(env.Notary.URL(), "https://"): &env.Gates.Notary,
	} {
		if *g, err = gate.New("tcp", "", target); err != nil {
			return err
		}
	}
	env.Given["DOCKER_PUSH_SERVER"] = env.Gates.Registry.Address()
	env.Given["DOCKER_CONTENT_TRUST_PUSH_SERVER"] = "https://" + env.Gates.Notary.Address()
	known := string(env.Git.KnownHosts())
	env.Given["GITHUB_KNOWN_HOSTS"] = strings.ReplaceAll(known, KnownHost(env.Gates.Git.Target()), KnownHost(env.Gates.Git.Address()))
	return nil
}

// KnownHost returns an address as known_hosts has it: [host]:port.
func KnownHost(address string) string {
	host, port, _ := net.SplitHostPort(address) // the address of a gate has both
	return "[" + host + "]:" + port
}

// URL returns the address from which the server clones a repository.
func (env *Environment) URL(repository string) string {
	if env.Gates.Git == nil {
		return env.Git.SSHURL(repository)
	}
	return "ssh://git@" + env.Gates.Git.Address() + "/" + repository
}

// ImageOf returns the image repository that Initialise configures for name.
func (env *Environment) ImageOf(name string) string {
	return fmt.Sprint(env.Given["DOCKER_PUSH_SERVER"]) + "/sbs/" + name
}

// closeOnError returns the environment, or closes it if err is not nil.
func (env *Environment) closeOnError(err error) (*Environment, error) {
	if err != nil {
		return nil, errors.Join(err, env.Close(context.Background()))
	}
	return env, nil
}

// Close stops the server, then the other parts of the stack, then the gates.
func (env *Environment) Close(ctx context.Context) error {
	var failed error
	if env.Client != nil {
		env.Client.Close()
	}
	if env.Stack != nil {
		failed = env.Stack.Close(ctx)
	}
	for _, g := range []*gate.Gate{env.Gates.Engine, env.Gates.Registry, env.Gates.Notary, env.Gates.Git} {
		if g != nil {
			failed = errors.Join(failed, g.Close())
		}
	}
	if env.sockets != "" {
		failed = errors.Join(failed, os.RemoveAll(env.sockets))
	}
	if env.Docker != nil {
		failed = errors.Join(failed, env.Docker.Close())
	}
	return failed
}
