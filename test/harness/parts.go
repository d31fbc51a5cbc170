package harness

// The start of the parts, each of which has its own package, with the content that
// the demo needs: a base image, a repository, two buckets.

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/docker/docker/client"
	"golang.org/x/crypto/ssh"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/harness/objectstore"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/harness/sample"
)

// Names of images, repositories and buckets.
const (
	baseRepository = "base/busybox:1"
	demoRepository = "demo.git"
	gitUser        = "developer"
	manifestBucket = "manifests"
	stateBucket    = "states"
)

// engineAddress pings the Docker Engine that the environment names, and returns its
// address.
func engineAddress(ctx context.Context) (string, error) {
	const advice = "start it, or run deploy/engine/up.sh, which installs and starts one"
	engine, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return "", fmt.Errorf("connect to the Docker Engine: %w: %s", err, advice)
	}
	_, err = engine.Ping(ctx)
	if err := errors.Join(err, engine.Close()); err != nil {
		return "", fmt.Errorf("reach the Docker Engine: %w: %s", err, advice)
	}
	return engine.DaemonHost(), nil
}

func (s *Stack) startRegistry(ctx context.Context) error {
	dir, err := s.dir.part("registry")
	if err != nil {
		return err
	}
	server, err := registry.Start(ctx, dir)
	if err != nil {
		return err
	}
	s.Registry = server
	s.onClose(server.Close)
	if s.base, err = registry.Base(ctx); err != nil {
		return err
	}
	s.BaseImage = server.Address() + "/" + baseRepository
	return server.Push(ctx, baseRepository, s.base)
}

func (s *Stack) startNotary(ctx context.Context) error {
	dir, err := s.dir.part("notary")
	if err != nil {
		return err
	}
	server, err := notaryserver.Start(ctx, notaryserver.Options{Dir: dir})
	if err != nil {
		return err
	}
	s.Notary = server
	s.onClose(server.Close)
	return nil
}

// startGit starts the git server with the sample repository. Over SSH it accepts a
// key that is written to the stack's folder, over HTTPS a user with a token.
func (s *Stack) startGit(ctx context.Context) error {
	root, err := s.dir.part("git")
	if err != nil {
		return err
	}
	public, private, err := newGitKey()
	if err != nil {
		return err
	}
	files, err := sample.Files()
	if err != nil {
		return err
	}
	if _, err := gitserver.CreateRepository(ctx, root, demoRepository, files); err != nil {
		return err
	}
	s.GitRoot, s.gitToken = root, rand.Text()
	server, err := gitserver.Start(context.WithoutCancel(ctx), gitserver.Options{
		Root:           root,
		AuthorizedKeys: []ssh.PublicKey{public},
		User:           gitUser,
		Token:          s.gitToken,
	})
	if err != nil {
		return err
	}
	s.Git = server
	s.onClose(server.Close)
	return errors.Join(
		s.dir.write(gitKeyName, private),
		s.dir.write(knownHostsName, server.KnownHosts()),
	)
}

func (s *Stack) startObjectStore(ctx context.Context) error {
	server, err := objectstore.Start(ctx, objectstore.Options{Buckets: []string{manifestBucket, stateBucket}})
	if err != nil {
		return err
	}
	s.ObjectStore = server
	s.onClose(server.Close)
	return nil
}

// newGitKey generates a developer's SSH key: the public key for the git server, and
// the private key in the format of ssh-keygen.
func newGitKey() (ssh.PublicKey, []byte, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate an SSH key: %w", err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the public SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "local stack")
	if err != nil {
		return nil, nil, fmt.Errorf("encode the SSH key: %w", err)
	}
	return authorized, pem.EncodeToMemory(block), nil
}
