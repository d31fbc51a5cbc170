//go:build stack

package repositories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	docker "github.com/docker/docker/client"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/deploy/harness"
)

// planted stands in the server's environment, where no build may find it.
const planted = "planted-9f1c27d3e5b84a60"

// lab is a stack and a client of its server.
type lab struct {
	*harness.Stack
	client *client.Client
	docker *docker.Client
	cli    string         // path of the program
	given  map[string]any // parameters for a build, without a repository
	health string         // address of the server's health port
}

// shared is the stack of all tests.
var shared *lab

func TestMain(m *testing.M) {
	code, err := withLab(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func withLab(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "repositories")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	options, err := harness.Build(ctx, dir)
	if err != nil {
		return 1, err
	}
	health, err := freeAddress()
	if err != nil {
		return 1, err
	}
	options.Dir = filepath.Join(dir, "stack")
	options.ServerEnvironment = []string{"PLANTED=" + planted, "SBS_HEALTH_LISTEN=" + health}
	stack, err := harness.Start(ctx, options)
	if err != nil {
		return 1, err
	}
	shared = &lab{Stack: stack, cli: options.ClientBinary, health: health}
	defer func() { err = errors.Join(err, shared.close()) }()
	if err := shared.connect(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (l *lab) connect() (err error) {
	if l.docker, err = docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation()); err != nil {
		return err
	}
	settings, err := config.Load(filepath.Join(l.Dir(), "sbs-config.json"), func(string) string { return "" })
	if err != nil {
		return err
	}
	files, err := settings.Certificates()
	if err != nil {
		return err
	}
	for _, path := range []*string{&files.Folder, &files.Client, &files.CA, &files.ClientCert, &files.ClientKey, &files.ClientChain} {
		*path = filepath.Join(l.Dir(), *path)
	}
	identity, err := certs.LoadClient(files, time.Now())
	if err != nil {
		return err
	}
	hostname, port, err := settings.Server()
	if err != nil {
		return err
	}
	l.client = client.New(hostname, port, identity)
	body, err := settings.Parameters("")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, &l.given); err != nil {
		return err
	}
	delete(l.given, "ARG")
	l.given["IMAGE_SIGNING"] = "simple" // the quickest
	return nil
}

func (l *lab) close() error {
	if l.client != nil {
		l.client.Close()
	}
	err := l.Close(context.Background())
	if l.docker != nil {
		err = errors.Join(err, l.docker.Close())
	}
	return err
}
