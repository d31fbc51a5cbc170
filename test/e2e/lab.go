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
	"github.com/opensbs/sbs/test/suite"
)

// lab is a running stack, with a gate in front of each part that the build
// server talks to, and a client of that server.
type lab struct {
	*harness.Stack
	engine, registry, notary, git *gate.Gate

	client *client.Client
	docker *docker.Client // past the gate
	given  map[string]any // parameters for a build through the gates, without a repository

	programs harness.Options
	sockets  string // folder of the engine's gate
}

// startLab starts a stack in a new folder under dir.
func startLab(ctx context.Context, dir string, programs harness.Options) (l *lab, err error) {
	l = &lab{programs: programs}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.docker, err = docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation()); err != nil {
		return l, fmt.Errorf("find the Docker Engine: %w", err)
	}
	if programs.Dir, err = os.MkdirTemp(dir, "lab"); err != nil {
		return l, err
	}
	if err := l.startBehindGate(ctx, programs); err != nil {
		return l, err
	}
	if l.registry, err = gate.New("tcp", "", l.Registry.Address()); err != nil {
		return l, err
	}
	if l.notary, err = gate.New("tcp", "", strings.TrimPrefix(l.Notary.URL(), "https://")); err != nil {
		return l, err
	}
	ssh, err := url.Parse(l.Git.SSHURL(""))
	if err != nil {
		return l, err
	}
	if l.git, err = gate.New("tcp", "", ssh.Host); err != nil {
		return l, err
	}
	return l, l.readConfig()
}

// startBehindGate starts the stack with a build server that reaches the engine
// through a gate only.
func (l *lab) startBehindGate(ctx context.Context, programs harness.Options) (err error) {
	host, err := url.Parse(l.docker.DaemonHost())
	if err != nil {
		return err
	}
	if host.Scheme != "unix" {
		return fmt.Errorf("the tests need an engine at a unix socket, not at %s", host)
	}
	// The path of a socket must be short, and a test's folder often is not.
	if l.sockets, err = os.MkdirTemp("", "gate"); err != nil {
		return err
	}
	if l.engine, err = gate.New("unix", filepath.Join(l.sockets, "engine.sock"), host.Path); err != nil {
		return err
	}
	restore, err := setenv("DOCKER_HOST", "unix://"+l.engine.Address())
	if err != nil {
		return err
	}
	l.Stack, err = harness.Start(ctx, programs)
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
func (l *lab) readConfig() (err error) {
	if l.client, err = suite.Connect(l.Dir()); err != nil {
		return err
	}
	if l.given, err = suite.Parameters(l.Dir()); err != nil {
		return err
	}
	delete(l.given, "GITHUB_URL")
	l.given["DOCKER_PUSH_SERVER"] = l.registry.Address()
	l.given["DOCKER_CONTENT_TRUST_PUSH_SERVER"] = "https://" + l.notary.Address()
	known := string(l.Git.KnownHosts())
	l.given["GITHUB_KNOWN_HOSTS"] = strings.ReplaceAll(known, knownHost(l.git.Target()), knownHost(l.git.Address()))
	return nil
}

// knownHost is how known_hosts writes an address.
func knownHost(address string) string {
	host, port, _ := net.SplitHostPort(address) // a gate's has both
	return "[" + host + "]:" + port
}

// parameters are the JSON body of init and update: those that were given, with
// changes. A change to nil takes a parameter away.
func (l *lab) parameters(changes map[string]any) ([]byte, error) {
	return json.Marshal(suite.With(l.given, changes))
}

// url is the address of a repository through the gate.
func (l *lab) url(repository string) string {
	return "ssh://git@" + l.git.Address() + "/" + repository
}

// close stops everything, the server first.
func (l *lab) close() error {
	var failed error
	if l.client != nil {
		l.client.Close()
	}
	if l.Stack != nil {
		failed = l.Close(context.Background())
	}
	for _, g := range []*gate.Gate{l.engine, l.registry, l.notary, l.git} {
		if g != nil {
			failed = errors.Join(failed, g.Close())
		}
	}
	if l.sockets != "" {
		failed = errors.Join(failed, os.RemoveAll(l.sockets))
	}
	if l.docker != nil {
		failed = errors.Join(failed, l.docker.Close())
	}
	return failed
}
