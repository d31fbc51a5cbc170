package harness

// Start starts the parts in the order of their dependencies; Close stops them in the
// reverse order.

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
	// startLimit bounds Start, in addition to its context.
	startLimit = 2 * time.Minute
	// stopLimit bounds the stop of each part.
	stopLimit = 10 * time.Second
)

// Options are the folder of a stack and the programs under test.
type Options struct {
	// Dir is the stack's folder. It is created if missing; otherwise it must be empty
	// or an earlier stack's, whose files are removed.
	Dir string
	// ServerBinary and ClientBinary are the paths of sbs-server and sbs-cli.
	ServerBinary string
	ClientBinary string
	// Port is the server's port; empty means a free one.
	Port string
	// PartsOnly starts all parts but the server, and needs no engine: the server runs
	// in another container (compose.yaml), listens on Port, and gets the environment
	// that a contract sets from the file server.env, with KEY=value in each line.
	PartsOnly bool
	// ServerEnvironment are additional NAME=VALUE entries for the server.
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

// Start starts the stack and returns when the server, unless it is excluded, is
// ready. ctx bounds the start; the stack then runs until Close, or until the process
// ends. If a part fails to start, the others are stopped.
func Start(ctx context.Context, options Options) (*Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	dir, release, err := claim(options.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{dir: dir}
	s.onClose(func(context.Context) error { return release() })

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

// Close stops all parts in the reverse order of their start, and returns when they
// have stopped. Each has a bounded time, or until ctx ends.
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

// Dir returns the absolute path of the stack's folder.
func (s *Stack) Dir() string { return string(s.dir) }

// onClose adds a function that Close calls.
func (s *Stack) onClose(stop func(context.Context) error) {
	s.closers = append(s.closers, stop)
}

func (s *Stack) findEngine(ctx context.Context) (err error) {
	s.engine, err = engineAddress(ctx)
	return err
}

// startServer creates the configuration and the certificates as a user does, and
// starts the server with them.
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
	server.environment = append(server.environment, options.ServerEnvironment...) // the last entry of a name is effective
	s.Server = server
	s.onClose(server.close)
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
	s.onClose(func(context.Context) error {
		if err := os.Remove(s.dir.path(readyName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the file that marks the stack as ready: %w", err)
		}
		return nil
	})
	return s.dir.write(readyName, nil)
}
