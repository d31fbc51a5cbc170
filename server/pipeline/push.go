package pipeline

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/sbom"
)

// pushAndSign uploads the image once, gives it both tags in the registry, signs
// both for the digest that the registry answered, and states what the image
// holds. What it holds is looked for while it is pushed.
func (b *build) pushAndSign(ctx context.Context) error {
	var (
		signatures []job.Signature
		found      sbom.Inventory
	)
	both, each := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		signatures, err = b.publish(each)
		return err
	})
	both.Go(func() (err error) {
		found, err = b.lookThrough(each)
		return err
	})
	if err := both.Wait(); err != nil {
		return err
	}
	stated, err := b.attestSBOM(ctx, found)
	if err != nil {
		return err
	}
	return attempt(b.pushCommand(b.references()[0]), b.note(func(r *record) {
		r.ImageDigest = b.pushed.Digest
		r.Signatures = append(r.Signatures, signatures...)
		r.Attestations = append(r.Attestations, stated)
	}))
}

// publish pushes both tags and signs them.
func (b *build) publish(ctx context.Context) ([]job.Signature, error) {
	for _, reference := range b.references() {
		if err := b.push(ctx, reference); err != nil {
			return nil, err
		}
	}
	return b.sign(ctx)
}

func (b *build) push(ctx context.Context, reference string) error {
	output := b.log.output()
	pushed, err := b.engine.Push(ctx, reference, b.pushRegistry(), output)
	_ = output.Close() // writes to the log, which keeps its own error
	if errors.Is(err, engine.ErrUnauthorized) {
		return attempt(b.loginCommand(), err)
	}
	if err == nil && b.pushed.Digest != "" && pushed != b.pushed {
		err = fmt.Errorf("the registry answered digest %s for %s, and %s for the other tag of the same image", pushed.Digest, reference, b.pushed.Digest)
	}
	if err != nil {
		return attempt(b.pushCommand(reference), err)
	}
	b.pushed = pushed
	b.log.Info("pushed %s with digest %s", reference, pushed.Digest)
	return nil
}

func (b *build) pushRegistry() engine.Registry {
	return engine.Registry{
		Server:   b.parameters.Registry(),
		User:     b.parameters.DockerUser,
		Password: string(b.parameters.DockerPassword),
	}
}

func (b *build) loginCommand() string {
	return commandLine("docker", "login", "--username", "<USERNAME>", "--password", "<PASSWORD>", b.parameters.Registry())
}

func (b *build) pushCommand(reference string) string {
	return commandLine("docker", "push", reference)
}
