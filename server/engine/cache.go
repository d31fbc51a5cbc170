package engine

// What a build adds to BuildKit's cache is removed after it, by Build where it fails and
// else by its caller, who may push the image meanwhile.

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/filters"
	buildkit "github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/server/builder/solve"
)

// Cache holds the records of BuildKit's cache before a build; nil without BuildKit.
type Cache = solve.Cache

// ClearCache removes what was added to the cache since before was listed: what
// the build left whose Image holds before.
func (e *Engine) ClearCache(ctx context.Context, before Cache) error {
	if before == nil {
		return nil
	}
	err := e.removeRecords(ctx, before.Added)
	if err != nil {
		return fmt.Errorf("clear the build cache: %w", ended(ctx, err))
	}
	return nil
}

// clearAfterFailure is ClearCache for a build that nobody can clear up after,
// even when its context has ended. A failure is reported in the output.
func (e *Engine) clearAfterFailure(ctx context.Context, before Cache, output io.Writer) {
	ctx, cancel := solve.ForCleanup(ctx)
	defer cancel()
	if err := e.ClearCache(ctx, before); err != nil {
		fmt.Fprintln(output, err)
	}
}

// RemoveCache removes what was added to BuildKit's cache since a time by builds
// that nobody follows any more, because their process was killed. BuildKit ends
// such a build by itself; RemoveCache waits for that, but not for long. Without
// BuildKit there is nothing to remove.
func (e *Engine) RemoveCache(ctx context.Context, since time.Time) error {
	if e.builder == Classic {
		return nil
	}
	err := e.removeRecords(ctx, func(record *buildkit.UsageInfo) bool { return !record.CreatedAt.Before(since) })
	if err != nil {
		return fmt.Errorf("clear the build cache: %w", ended(ctx, err))
	}
	return nil
}

// removeRecords removes the cache records that ours selects.
func (e *Engine) removeRecords(ctx context.Context, ours func(*buildkit.UsageInfo) bool) error {
	kit, err := e.dialBuildKit(ctx)
	if err != nil {
		return err
	}
	defer kit.Close()
	return solve.RemoveRecords(ctx, kit, ours, e.prune)
}

// prune removes records, and reports whether there were any. The request goes to the Engine, not to BuildKit: a BuildKit without
// moby/buildkit#3857, such as that of Engine 20.10, keeps its lock when the client is
// killed during the reply to a prune, and no build works any more. The Engine takes one
// id in each request.
func (e *Engine) prune(ctx context.Context, records []*buildkit.UsageInfo) (removed bool, err error) {
	for _, record := range records {
		report, err := e.api.BuildCachePrune(ctx, build.CachePruneOptions{All: true, Filters: filters.NewArgs(filters.Arg("id", record.ID))})
		if err != nil {
			return removed, unreachable(ctx, e.api.DaemonHost(), err)
		}
		removed = removed || len(report.CachesDeleted) > 0
	}
	return removed, nil
}
