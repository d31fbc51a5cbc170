//go:build stack

// The tests share one stack where they can: to start one takes longer than most
// tests. What a test changes in it, it puts back.
package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	docker "github.com/docker/docker/client"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/test/gate"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/kit"
)

// environment is a running stack, with a gate in front of each part that the build
// server talks to, and a client of that server.
type environment struct {
	*harness.Stack
	engine, registry, notary, git *gate.Gate

	client *client.Client
	docker *docker.Client // past the gate
	given  map[string]any // parameters for a build through the gates, without a repository

	programs harness.Options
	sockets  string // folder of the engine's gate
}

// startEnvironment starts a stack in a new folder under dir.
func startEnvironment(ctx context.Context, dir string, programs harness.Options) (env *environment, err error) {
	env = &environment{programs: programs}
	defer func() {
		if err != nil {
			err = errors.Join(err, env.close())
		}
	}()
	if env.docker, err = docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation()); err != nil {
		return env, fmt.Errorf("find the Docker Engine: %w", err)
	}
	if programs.Dir, err = os.MkdirTemp(dir, "stack"); err != nil {
		return env, err
	}
	if err := env.startBehindGate(ctx, programs); err != nil {
		return env, err
	}
	if env.registry, err = gate.New("tcp", "", env.Registry.Address()); err != nil {
		return env, err
	}
	if env.notary, err = gate.New("tcp", "", strings.TrimPrefix(env.Notary.URL(), "https://")); err != nil {
		return env, err
	}
	ssh, err := url.Parse(env.Git.SSHURL(""))
	if err != nil {
		return env, err
	}
	if env.git, err = gate.New("tcp", "", ssh.Host); err != nil {
		return env, err
	}
	return env, env.readConfig()
}

// startBehindGate starts the stack with a build server that reaches the engine
// through a gate only.
func (env *environment) startBehindGate(ctx context.Context, programs harness.Options) (err error) {
	host, err := url.Parse(env.docker.DaemonHost())
	if err != nil {
		return err
	}
	if host.Scheme != "unix" {
		return fmt.Errorf("the tests need an engine at a unix socket, not at %s", host)
	}
	// The path of a socket must be short, and a test's folder often is not.
	if env.sockets, err = os.MkdirTemp("", "gate"); err != nil {
		return err
	}
	if env.engine, err = gate.New("unix", filepath.Join(env.sockets, "engine.sock"), host.Path); err != nil {
		return err
	}
	restore, err := setenv("DOCKER_HOST", "unix://"+env.engine.Address())
	if err != nil {
		return err
	}
	env.Stack, err = harness.Start(ctx, programs)
	return errors.Join(err, restore())
}

func setenv(name, value string) (restore func() error, err error) {
	before, set := os.LookupEnv(name)
	if err := os.Setenv(name, value); err != nil {
		return nil, err
	}
	return func() error {
		if !set {
			return os.Unsetenv(name)
		}
		return os.Setenv(name, before)
	}, nil
}

// readConfig makes the client and the parameters out of the configuration that
// the stack wrote for its user.
func (env *environment) readConfig() (err error) {
	if env.client, err = kit.Connect(env.Dir()); err != nil {
		return err
	}
	if env.given, err = kit.Parameters(env.Dir()); err != nil {
		return err
	}
	delete(env.given, "GITHUB_URL")
	env.given["DOCKER_PUSH_SERVER"] = env.registry.Address()
	env.given["DOCKER_CONTENT_TRUST_PUSH_SERVER"] = "https://" + env.notary.Address()
	known := string(env.Git.KnownHosts())
	env.given["GITHUB_KNOWN_HOSTS"] = strings.ReplaceAll(known, knownHost(env.git.Target()), knownHost(env.git.Address()))
	return nil
}

// knownHost is how known_hosts writes an address.
func knownHost(address string) string {
	host, port, _ := net.SplitHostPort(address) // a gate's has both
	return "[" + host + "]:" + port
}

// parameters are the JSON body of init and update: those that were given, with
// changes. A change to nil takes a parameter away.
func (env *environment) parameters(changes map[string]any) ([]byte, error) {
	return json.Marshal(kit.With(env.given, changes))
}

// url is the address of a repository through the gate.
func (env *environment) url(repository string) string {
	return "ssh://git@" + env.git.Address() + "/" + repository
}

// close stops everything, the server first.
func (env *environment) close() error {
	var failed error
	if env.client != nil {
		env.client.Close()
	}
	if env.Stack != nil {
		failed = env.Close(context.Background())
	}
	for _, g := range []*gate.Gate{env.engine, env.registry, env.notary, env.git} {
		if g != nil {
			failed = errors.Join(failed, g.Close())
		}
	}
	if env.sockets != "" {
		failed = errors.Join(failed, os.RemoveAll(env.sockets))
	}
	if env.docker != nil {
		failed = errors.Join(failed, env.docker.Close())
	}
	return failed
}
