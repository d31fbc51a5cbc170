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
// builder was killed: in the builder, and scratch files.
func (b *build) removeLeftovers(ctx context.Context) error {
	since, err := b.firstFailed()
	if err != nil {
		return err
	}
	err = b.withProgress(ctx, peerBuilder, func(ctx context.Context) error {
		return b.builder.RemoveLeftovers(ctx, b.parameters.Repository(), since)
	})
	if err != nil {
		return err
	}
	if err := os.RemoveAll(b.work); err != nil {
		return fmt.Errorf("remove scratch files: %w", err)
	}
	return os.Mkdir(b.work, 0o700)
}

// maxFailedBuilds bounds how many failed builds in a row firstFailed reads.
const maxFailedBuilds = 100

// firstFailed returns when the first of the failed builds right before this one was
// started: the builder may have been down when they were cleaned up. It is the zero
// time if there is none.
func (b *build) firstFailed() (time.Time, error) {
	before, _, err := b.History.List(b.folder.ID(), maxFailedBuilds)
	if err != nil {
		return time.Time{}, err
	}
	var since time.Time
	for _, earlier := range before {
		if earlier.Status == api.StatusSuccess || earlier.Started.IsZero() {
			break
		}
		since = earlier.Started
	}
	return since, nil
}

// CleanUpBuilder decorates a recovery: it removes what an interrupted build left in
// the builder, and only then calls end, which records the end of the build. A start
// that is cut short therefore cleans up again. A builder that does not reply keeps no
// server from starting: the next build removes the same.
func CleanUpBuilder(ctx context.Context, connect func(context.Context) (Builder, error), logger *slog.Logger, end func(record.Record) record.Record) func(record.Record) record.Record {
	return func(last record.Record) record.Record {
		if err := cleanUpBuilder(ctx, connect, last); err != nil {
			logger.Warn("what an interrupted build left in the builder may still be there", "build", last.ID, "error", err)
		}
		return end(last)
	}
}

func cleanUpBuilder(ctx context.Context, connect func(context.Context) (Builder, error), last record.Record) (err error) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	connected, err := connect(ctx)
	if err != nil {
		return fmt.Errorf("reach the builder: %w", err)
	}
	defer func() { err = errors.Join(err, connected.Close()) }()
	return connected.RemoveLeftovers(ctx, last.Repository, last.Started)
}
