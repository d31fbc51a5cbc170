package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/opensbs/sbs/api/record"
)

// Sweep decorates a recovery: before the end of an interrupted build is recorded,
// what the build left in the engine is removed, so that a start that is cut short
// does it again. An engine that does not answer keeps no server from starting: the
// next build removes the images, and BuildKit sooner or later its cache.
func Sweep(ctx context.Context, connect func(context.Context) (Engine, error), logger *slog.Logger, recover func(record.Record) record.Record) func(record.Record) record.Record {
	return func(last record.Record) record.Record {
		if err := sweep(ctx, connect, last); err != nil {
			logger.Warn("what an interrupted build left in the engine may still be there", "build", last.ID, "error", err)
		}
		return recover(last)
	}
}

// sweep removes the images last: the engine may have been making one when its
// client was killed, and is done with it when it has let go of the cache.
func sweep(ctx context.Context, connect func(context.Context) (Engine, error), last record.Record) (err error) {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	engine, err := connect(ctx)
	if err != nil {
		return fmt.Errorf("reach the engine: %w", err)
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	return errors.Join(
		engine.RemoveCache(ctx, last.Started),
		engine.RemoveTagged(ctx, last.Repository),
	)
}
