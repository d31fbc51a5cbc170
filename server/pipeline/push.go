package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/engine"
)

// pushAndSign gives the image both tags in the registry, signs both for the
// digest that the registry answered, and states what the image holds. Each begins
// as soon as what it needs is there.
func (b *build) pushAndSign(ctx context.Context) error {
	var (
		pushed     = make(chan struct{})
		signatures []record.Signature
		stated     record.Attestation
	)
	all, each := errgroup.WithContext(ctx)
	all.Go(func() error {
		if err := b.pushTags(each); err != nil {
			return err
		}
		close(pushed)
		var err error
		signatures, err = b.sign(each)
		return err
	})
	all.Go(func() error {
		found, err := b.lookThrough(each)
		if err != nil {
			return err
		}
		select {
		case <-pushed:
		case <-each.Done():
			return context.Cause(each)
		}
		stated, err = b.attestSBOM(each, found)
		return err
	})
	if err := all.Wait(); err != nil {
		return err
	}
	b.tidy.begin(func(ctx context.Context) error { return b.engine.Remove(ctx, b.references()...) })
	return attempt(b.pushCommand(b.references()[0]), b.note(func(r *record.Record) {
		r.ImageDigest = b.pushed.Digest
		r.Signatures = append(r.Signatures, signatures...)
		r.Attestations = append(r.Attestations, stated)
	}))
}

// pushTags pushes both tags at once; the engine uploads each layer once. A
// registry that refuses one refuses the other, and the first is told.
func (b *build) pushTags(ctx context.Context) error {
	references := b.references()
	pushed := make([]engine.Pushed, len(references))
	failed := make([]error, len(references))
	var both sync.WaitGroup
	for i, reference := range references {
		both.Go(func() { pushed[i], failed[i] = b.push(ctx, reference) })
	}
	both.Wait()
	for i, reference := range references {
		if failed[i] != nil {
			return failed[i]
		}
		if pushed[i] != pushed[0] {
			return attempt(b.pushCommand(reference), fmt.Errorf("the registry answered digest %s for %s, and %s for the other tag of the same image", pushed[i].Digest, reference, pushed[0].Digest))
		}
	}
	b.pushed = pushed[0]
	return nil
}

func (b *build) push(ctx context.Context, reference string) (engine.Pushed, error) {
	output := b.log.output()
	pushed, err := b.engine.Push(ctx, reference, b.pushRegistry(), output)
	_ = output.Close() // writes to the log, which keeps its own error
	if errors.Is(err, engine.ErrUnauthorized) {
		return pushed, attempt(b.loginCommand(), err)
	}
	if err != nil {
		return pushed, attempt(b.pushCommand(reference), err)
	}
	b.log.Info("pushed %s with digest %s", reference, pushed.Digest)
	return pushed, nil
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
