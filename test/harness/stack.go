// One function brings the stack up in the order in which its parts need one
// another, and one list takes it down in the opposite order.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/harness/loopback"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/harness/objectstore"
	"github.com/opensbs/sbs/test/harness/publisher"
	"github.com/opensbs/sbs/test/harness/registry"
)

const (
	// startLimit bounds Start whatever its context says.
	startLimit = 2 * time.Minute
	// stopLimit bounds how long each part may take to stop.
	stopLimit = 10 * time.Second
)

// Options says where the stack lives and which programs are tried in it.
type Options struct {
	// Dir is the stack's folder: made when missing, empty, or an earlier
	// stack's, which is cleared first.
	Dir string
	// ServerBinary and ClientBinary are the paths of sbs-server and sbs-cli.
	ServerBinary string
	ClientBinary string
	// Port is the server's; any free one when empty.
	Port string
	// PartsOnly starts all but the server, and asks for no engine: the server
	// runs in a container beside this one (compose.yaml), listens on Port, and
	// gets the environment of the file server.env, with KEY=value in each line,
	// as a contract gives it.
	PartsOnly bool
	// ServerEnvironment are further NAME=VALUE entries for the server.
	ServerEnvironment []string
}

// Stack is a running local stack. Its parts may be used directly.
type Stack struct {
	Registry    *registry.Server
	Notary      *notaryserver.Server
	Git         *gitserver.Server
	ObjectStore *objectstore.Server
	Server      *Server

	Vendor *publisher.Vendor

	// BaseImage is the reference of the base image in the registry: unsigned.
	BaseImage string
	// GitRoot is the folder of the git server's bare repositories.
	GitRoot string

	dir      folder
	base     v1.Image
	engine   string
	gitToken string
	clientID string // the UUID of sbs-config.json
	closers  []func(context.Context) error
}

// step is one step of the start.
type step struct {
	name string
	run  func(context.Context) error
}

// Start brings up the stack and returns when the server, if it is to run,
// answers its client. ctx bounds the start; the stack then runs until Close, or
// until the process dies. A start that fails stops what it had started.
func Start(ctx context.Context, options Options) (*Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	dir, release, err := claim(options.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{dir: dir}
	s.closing(func(context.Context) error { return release() })

	steps := []step{
		{"start the registry", s.startRegistry},
		{"start the notary server", s.startNotary},
		{"start the vendor of base images", s.startVendor},
		{"start the git server", s.startGit},
		{"start the object store", s.startObjectStore},
		{"start the build server", func(ctx context.Context) error { return s.startServer(ctx, options) }},
		{"describe the stack", s.describe},
	}
	if !options.PartsOnly {
		steps = slices.Insert(steps, 0, step{"find the build engine", s.findEngine})
	}
	for _, step := range steps {
		if err := step.run(ctx); err != nil {
			err = fmt.Errorf("%s: %w", step.name, err)
			return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}
	return s, nil
}

// Close stops every part, the last one started first, and returns when all of
// them are gone; each is given a bounded time, and less when ctx ends.
func (s *Stack) Close(ctx context.Context) error {
	var failures []error
	for _, stop := range slices.Backward(s.closers) {
		bounded, cancel := context.WithTimeout(ctx, stopLimit)
		failures = append(failures, stop(bounded))
		cancel()
	}
	s.closers = nil
	return errors.Join(failures...)
}

// Dir is the absolute path of the stack's folder.
func (s *Stack) Dir() string { return string(s.dir) }

// closing adds a part to what Close stops.
func (s *Stack) closing(stop func(context.Context) error) {
	s.closers = append(s.closers, stop)
}

func (s *Stack) findEngine(ctx context.Context) (err error) {
	s.engine, err = engineAddress(ctx)
	return err
}

// startServer makes the configuration and the certificates as a user does, and
// runs the server with them.
func (s *Stack) startServer(ctx context.Context, options Options) error {
	bundle := bytes.Join([][]byte{s.Notary.CABundle(), s.Git.CABundle(), s.ObjectStore.CABundle()}, nil)
	if err := s.dir.write(caName, bundle); err != nil {
		return err
	}
	port, err := options.serverPort(ctx)
	if err != nil {
		return err
	}
	if err := s.writeConfig(port); err != nil {
		return err
	}
	setup := &setup{dir: s.dir, server: options.ServerBinary, client: options.ClientBinary}
	contract, err := setup.contract(ctx)
	if err != nil {
		return err
	}
	server, err := newServer(s.dir, s.clientID, options.ServerBinary, port, contract)
	if err != nil {
		return err
	}
	server.environment = append(server.environment, options.ServerEnvironment...) // the last entry of a name counts
	s.Server = server
	s.closing(server.close)
	if options.PartsOnly {
		return s.dir.write(environmentName, []byte(strings.Join(contract, "\n")+"\n"))
	}
	return server.start(ctx)
}

func (o Options) serverPort(ctx context.Context) (string, error) {
	if o.Port != "" {
		return o.Port, nil
	}
	return loopback.FreePort(ctx)
}

// describe writes stack.json and then, as the last file, ready.
func (s *Stack) describe(context.Context) error {
	if err := s.writeDescription(); err != nil {
		return err
	}
	s.closing(func(context.Context) error {
		if err := os.Remove(s.dir.path(readyName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("say that the stack is not ready any more: %w", err)
		}
		return nil
	})
	return s.dir.write(readyName, nil)
}
