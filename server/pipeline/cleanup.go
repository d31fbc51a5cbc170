package pipeline

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/opensbs/sbs/api"
)

// cleanUp removes what an earlier build may have left when its server was
// killed, or its engine: images of this repository in the engine, what the build
// added to its cache, and scratch files.
func (b *build) cleanUp(ctx context.Context) error {
	command := cleanUpCommand(b.parameters.Repository())
	if err := b.clearFailedCache(ctx); err != nil {
		return attempt(command, err)
	}
	err := b.withProgress(ctx, peerEngine, func(ctx context.Context) error {
		return b.engine.RemoveTagged(ctx, b.parameters.Repository())
	})
	if err != nil {
		return attempt(command, err)
	}
	if err := os.RemoveAll(b.work); err != nil {
		return attempt(command, fmt.Errorf("remove scratch files: %w", err))
	}
	return attempt(command, os.Mkdir(b.work, 0o700))
}

// failuresLooked is how many failed builds in a row are cleared up after.
const failuresLooked = 100

// clearFailedCache removes from the engine's cache what was added to it since the
// first of the failed builds right before this one: the engine may have been gone
// when they cleared up.
func (b *build) clearFailedCache(ctx context.Context) error {
	before, _, err := b.History.List(b.folder.ID(), failuresLooked)
	if err != nil {
		return err
	}
	var since time.Time
	for _, earlier := range before {
		if earlier.Status == api.StatusSuccess || earlier.Started.IsZero() {
			break
		}
		since = earlier.Started
	}
	if since.IsZero() {
		return nil
	}
	return b.withProgress(ctx, peerEngine, func(ctx context.Context) error { return b.engine.RemoveCache(ctx, since) })
}

func cleanUpCommand(repository string) string {
	return commandLine("docker", "image", "rm", "--force", repository)
}
