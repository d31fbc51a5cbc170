package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
)

// removeLeftovers removes what an earlier build did not, because its server or its
// engine was killed: images of this repository in the engine, what the build added to
// the engine's cache, and scratch files.
func (b *build) removeLeftovers(ctx context.Context) error {
	if err := b.clearFailedCache(ctx); err != nil {
		return err
	}
	err := b.withProgress(ctx, peerEngine, func(ctx context.Context) error {
		return b.engine.RemoveTagged(ctx, b.parameters.Repository())
	})
	if err != nil {
		return err
	}
	if err := os.RemoveAll(b.work); err != nil {
		return fmt.Errorf("remove scratch files: %w", err)
	}
	return os.Mkdir(b.work, 0o700)
}

// maxFailedBuilds bounds how many failed builds in a row clearFailedCache looks at.
const maxFailedBuilds = 100

// clearFailedCache removes from the engine's cache what was added since the first of
// the failed builds right before this one: the engine may have been down when they
// were cleaned up.
func (b *build) clearFailedCache(ctx context.Context) error {
	before, _, err := b.History.List(b.folder.ID(), maxFailedBuilds)
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

// CleanUpEngine decorates a recovery: it removes what an interrupted build added to
// the engine, and only then calls end, which records the end of the build. A start
// that is cut short therefore cleans up again. An engine that does not reply keeps no
// server from starting: the next build removes the images, and BuildKit its cache
// sooner or later.
func CleanUpEngine(ctx context.Context, connect func(context.Context) (Engine, error), logger *slog.Logger, end func(record.Record) record.Record) func(record.Record) record.Record {
	return func(last record.Record) record.Record {
		if err := cleanUpEngine(ctx, connect, last); err != nil {
			logger.Warn("what an interrupted build left in the engine may still be there", "build", last.ID, "error", err)
		}
		return end(last)
	}
}

// cleanUpEngine removes the images last: the engine may have been making one when its
// client was killed, and is done with it when it releases the cache.
func cleanUpEngine(ctx context.Context, connect func(context.Context) (Engine, error), last record.Record) (err error) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	connected, err := connect(ctx)
	if err != nil {
		return fmt.Errorf("reach the engine: %w", err)
	}
	defer func() { err = errors.Join(err, connected.Close()) }()
	return errors.Join(
		connected.RemoveCache(ctx, last.Started),
		connected.RemoveTagged(ctx, last.Repository),
	)
}
