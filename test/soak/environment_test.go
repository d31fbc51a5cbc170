//go:build stack

package soak

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/test/gate"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

const (
	repository = "soak.git"
	imageName  = "sbs/soak"

	// payloadSize is what the repository holds that can't be compressed, in
	// bytes: enough to be cut off in.
	payloadSize = 400 << 10

	// patience bounds every wait for something that must happen. It is no
	// measure of speed: it only makes a hanging test fail.
	patience = 3 * time.Minute
)

// environment is a running stack, with a gate in front of each part that the server
// talks to and an engine of its own.
type environment struct {
	*harness.Stack
	engine                *engine
	registry, notary, git *gate.Gate

	client    *client.Client
	given     map[string]any // parameters for a build through the gates
	temporary string         // the server's TMPDIR
	mark      string         // in the command line of the Dockerfile's command
	mounted   bool
	late      *api.Status // of the build before, whose record is to come; or nil
}

// start brings everything up.
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
	if env.Stack, err = harness.Start(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	t.Chdir(env.Dir())
	for _, prepare := range []func(context.Context) error{env.ownVolume, env.openGates, env.connect, env.source} {
		if err := prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := env.client.Init(t.Context(), env.parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	return env
}

func (env *environment) ownVolume(ctx context.Context) error {
	if err := env.Server.Stop(ctx); err != nil {
		return err
	}
	if err := env.mountVolume(); err != nil {
		return err
	}
	env.mounted = true
	return env.Server.Restart(ctx)
}

func (env *environment) openGates(context.Context) (err error) {
	ssh, err := url.Parse(env.Git.SSHURL(""))
	if err != nil {
		return err
	}
	for target, g := range map[string]**gate.Gate{
		env.Registry.Address(): &env.registry, strings.TrimPrefix(env.Notary.URL(), "https://"): &env.notary, ssh.Host: &env.git,
	} {
		if *g, err = gate.New("tcp", "", target); err != nil {
			return err
		}
	}
	return nil
}

// connect makes the client and the parameters out of what the stack wrote for
// its user.
func (env *environment) connect(context.Context) (err error) {
	if env.client, err = kit.Connect(env.Dir()); err != nil {
		return err
	}
	if env.given, err = kit.Parameters(env.Dir()); err != nil {
		return err
	}
	known := strings.ReplaceAll(string(env.Git.KnownHosts()), knownHost(env.git.Target()), knownHost(env.git.Address()))
	maps.Copy(env.given, map[string]any{
		"GITHUB_URL": "ssh://git@" + env.git.Address() + "/" + repository, "GITHUB_KNOWN_HOSTS": known,
		"DOCKER_PUSH_SERVER": env.registry.Address(), "DOCKER_REPO": imageName,
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://" + env.notary.Address(),
		"IMAGE_SIGNING":                    "dct,simple,sigstore", "BUILDS_KEPT": 10,
	})
	return nil
}

// knownHost is how known_hosts writes an address.
func knownHost(address string) string {
	host, port, _ := net.SplitHostPort(address) // both addresses have both
	return "[" + host + "]:" + port
}

// source makes the repository: its command can be made to last, and be told from
// every other one on the machine.
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

// parameters are the body of init and update, with changes.
func (env *environment) parameters(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(kit.With(env.given, changes))
	if err != nil {
		t.Fatal(err)
	}
	return body
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
	if env.mounted {
		failed = errors.Join(failed, asRoot("umount", env.Server.Volume()))
	}
	for _, g := range []*gate.Gate{env.registry, env.notary, env.git} {
		if g != nil {
			failed = errors.Join(failed, g.Close())
		}
	}
	if env.engine != nil {
		failed = errors.Join(failed, env.engine.close())
	}
	return failed
}
