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
	"github.com/opensbs/sbs/test/suite"
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

// lab is a running stack, with a gate in front of each part that the server
// talks to and an engine of its own.
type lab struct {
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
func start(t *testing.T) *lab {
	t.Helper()
	l := &lab{temporary: t.TempDir()}
	log, err := os.Create(filepath.Join(t.TempDir(), "engine.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() }) // written to until the engine has ended
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	programs, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	programs.Dir = filepath.Join(t.TempDir(), "stack")
	if l.engine, err = startEngine(t.Context(), slog.New(slog.NewTextHandler(log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_HOST", l.engine.running.Host())
	t.Setenv("TMPDIR", l.temporary)
	if l.Stack, err = harness.Start(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	t.Chdir(l.Dir())
	for _, prepare := range []func(context.Context) error{l.ownVolume, l.openGates, l.connect, l.source} {
		if err := prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.client.Init(t.Context(), l.parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) ownVolume(ctx context.Context) error {
	if err := l.Server.Stop(ctx); err != nil {
		return err
	}
	if err := l.mountVolume(); err != nil {
		return err
	}
	l.mounted = true
	return l.Server.Restart(ctx)
}

func (l *lab) openGates(context.Context) (err error) {
	ssh, err := url.Parse(l.Git.SSHURL(""))
	if err != nil {
		return err
	}
	for target, g := range map[string]**gate.Gate{
		l.Registry.Address(): &l.registry, strings.TrimPrefix(l.Notary.URL(), "https://"): &l.notary, ssh.Host: &l.git,
	} {
		if *g, err = gate.New("tcp", "", target); err != nil {
			return err
		}
	}
	return nil
}

// connect makes the client and the parameters out of what the stack wrote for
// its user.
func (l *lab) connect(context.Context) (err error) {
	if l.client, err = suite.Connect(l.Dir()); err != nil {
		return err
	}
	if l.given, err = suite.Parameters(l.Dir()); err != nil {
		return err
	}
	known := strings.ReplaceAll(string(l.Git.KnownHosts()), knownHost(l.git.Target()), knownHost(l.git.Address()))
	maps.Copy(l.given, map[string]any{
		"GITHUB_URL": "ssh://git@" + l.git.Address() + "/" + repository, "GITHUB_KNOWN_HOSTS": known,
		"DOCKER_PUSH_SERVER": l.registry.Address(), "DOCKER_REPO": imageName,
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://" + l.notary.Address(),
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
func (l *lab) source(ctx context.Context) error {
	payload := make([]byte, payloadSize)
	_, _ = rand.Read(payload) // never fails
	l.mark = strings.Map(func(r rune) rune { return '0' + r%10 }, rand.Text()[:9])
	dockerfile := fmt.Sprintf("FROM %s\nARG SECONDS=0\nCOPY payload /\nRUN sleep $SECONDS.1%s\n", l.BaseImage, l.mark)
	_, err := gitserver.CreateRepository(ctx, l.GitRoot, repository, map[string]gitserver.File{
		"Dockerfile": {Content: dockerfile}, "payload": {Content: string(payload)},
	})
	return err
}

// parameters are the body of init and update, with changes.
func (l *lab) parameters(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(suite.With(l.given, changes))
	if err != nil {
		t.Fatal(err)
	}
	return body
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
	if l.mounted {
		failed = errors.Join(failed, asRoot("umount", l.Server.Volume()))
	}
	for _, g := range []*gate.Gate{l.registry, l.notary, l.git} {
		if g != nil {
			failed = errors.Join(failed, g.Close())
		}
	}
	if l.engine != nil {
		failed = errors.Join(failed, l.engine.close())
	}
	return failed
}
