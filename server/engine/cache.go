package engine

// BuildKit keeps a copy of every context and the result of every step. A fresh
// build uses none of it, so it would only fill the disk: what a build adds to
// the cache is removed after it, by Build where it fails and else by its caller,
// who may push the image meanwhile. Layers of base images stay; their names are
// their digests, and the next build need not fetch them again.

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/filters"
	buildkit "github.com/moby/buildkit/client"
)

// Cache is what BuildKit's cache held before a build, by ID; nil without BuildKit.
type Cache map[string]bool

func listCache(ctx context.Context, kit *buildkit.Client) (Cache, error) {
	records, err := kit.DiskUsage(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the build cache: %w", err)
	}
	known := make(Cache, len(records))
	for _, record := range records {
		known[record.ID] = true
	}
	return known, nil
}

// ClearCache removes what was added to the cache since before was listed: what
// the build left whose Image holds before.
func (e *Engine) ClearCache(ctx context.Context, before Cache) error {
	if before == nil {
		return nil
	}
	err := e.removeRecords(ctx, func(record *buildkit.UsageInfo) bool { return !before[record.ID] })
	if err != nil {
		return fmt.Errorf("clear the build cache: %w", ended(ctx, err))
	}
	return nil
}

// clearAfterFailure is ClearCache for a build that nobody can clear up after,
// even when its context has ended. A failure is told in the output.
func (e *Engine) clearAfterFailure(ctx context.Context, before Cache, output io.Writer) {
	ctx, cancel := forCleanup(ctx)
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

// BuildKit releases the records of a build a moment after its end, and later when its
// client has died or the machine is busy. A record that is in use for longer belongs
// to another build, which removes it.
const (
	releaseTime  = 5 * time.Second
	pollInterval = 50 * time.Millisecond
)

// removeRecords removes the cache records that ours selects, and waits for those in use
// for releaseTime at most. Layers of base images stay.
func (e *Engine) removeRecords(ctx context.Context, ours func(*buildkit.UsageInfo) bool) error {
	kit, err := e.dialBuildKit(ctx)
	if err != nil {
		return err
	}
	defer kit.Close()
	again := time.NewTicker(pollInterval)
	defer again.Stop()
	for deadline := time.Now().Add(releaseTime); time.Now().Before(deadline); {
		left, err := kit.DiskUsage(ctx)
		if err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(record *buildkit.UsageInfo) bool { return !ours(record) || ofBaseImage(record) })
		if len(left) == 0 {
			return nil
		}
		removed, err := e.prune(ctx, left)
		if err != nil {
			return err
		}
		if removed {
			continue // what those were made of may be free now
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// prune removes those of the records that are not in use, and reports whether
// there were any. The request goes to the Engine, not to BuildKit: a BuildKit without
// moby/buildkit#3857, such as that of Engine 20.10, keeps its lock when the client is
// killed during the reply to a prune, and no build works any more. The Engine takes one
// id in each request.
func (e *Engine) prune(ctx context.Context, records []*buildkit.UsageInfo) (removed bool, err error) {
	for _, record := range records {
		if record.InUse {
			continue
		}
		report, err := e.api.BuildCachePrune(ctx, build.CachePruneOptions{All: true, Filters: filters.NewArgs(filters.Arg("id", record.ID))})
		if err != nil {
			return removed, unreachable(ctx, e.api.DaemonHost(), err)
		}
		removed = removed || len(report.CachesDeleted) > 0
	}
	return removed, nil
}

// ofBaseImage goes by the descriptions that the sources of images in BuildKit
// ("pulled from") and in the Engine ("from") give their records. A wrong guess
// costs disk space or time, nothing else.
func ofBaseImage(record *buildkit.UsageInfo) bool {
	return record.RecordType == buildkit.UsageRecordTypeRegular &&
		(strings.HasPrefix(record.Description, "pulled from ") || strings.HasPrefix(record.Description, "from "))
}
