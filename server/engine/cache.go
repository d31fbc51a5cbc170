package engine

// BuildKit keeps a copy of every context and the result of every step. A fresh
// build uses none of it, so it would only fill the disk: what a build adds to
// the cache is removed after it. Layers of base images stay; their names are
// their digests, and the next build need not fetch them again.

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	buildkit "github.com/moby/buildkit/client"
)

// cacheRecords lists the IDs of what the cache holds.
func cacheRecords(ctx context.Context, kit *buildkit.Client) (map[string]bool, error) {
	records, err := kit.DiskUsage(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the build cache: %w", err)
	}
	known := make(map[string]bool, len(records))
	for _, record := range records {
		known[record.ID] = true
	}
	return known, nil
}

// clearCache removes what was added to the cache since before was listed. A
// failure is told in the output.
func (e *Engine) clearCache(ctx context.Context, before map[string]bool, output io.Writer) {
	ctx, cancel := forCleanup(ctx)
	defer cancel()
	err := e.removeRecords(ctx, func(record *buildkit.UsageInfo) bool { return !before[record.ID] })
	if err != nil {
		fmt.Fprintf(output, "the build cache could not be cleared: %v\n", err)
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

// BuildKit lets go of what a build used a moment after the build's end. What is
// still in use after settleTime is so by another build, which clears up itself.
const (
	settleTime  = 3 * time.Second
	settleEvery = 20 * time.Millisecond
)

// removeRecords removes those of the cache's records that ours picks. Layers of
// base images stay.
func (e *Engine) removeRecords(ctx context.Context, ours func(*buildkit.UsageInfo) bool) error {
	kit, err := e.dialBuildKit(ctx)
	if err != nil {
		return err
	}
	defer kit.Close()
	settled := time.NewTimer(settleTime)
	defer settled.Stop()
	again := time.NewTicker(settleEvery)
	defer again.Stop()
	for {
		left, err := pruned(ctx, kit, ours)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-again.C:
		case <-settled.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pruned asks BuildKit to remove records, and says how many there were: it
// passes over what is in use.
func pruned(ctx context.Context, kit *buildkit.Client, ours func(*buildkit.UsageInfo) bool) (int, error) {
	records, err := kit.DiskUsage(ctx)
	if err != nil {
		return 0, err
	}
	var filter []string
	for _, record := range records {
		if ours(record) && !ofBaseImage(record) {
			filter = append(filter, "id=="+record.ID)
		}
	}
	if len(filter) == 0 {
		return 0, nil
	}
	return len(filter), kit.Prune(ctx, nil, buildkit.PruneAll, buildkit.WithFilter(filter))
}

// ofBaseImage goes by the descriptions that the sources of images in BuildKit
// ("pulled from") and in the Engine ("from") give their records. A wrong guess
// costs disk space or time, nothing else.
func ofBaseImage(record *buildkit.UsageInfo) bool {
	return record.RecordType == buildkit.UsageRecordTypeRegular &&
		(strings.HasPrefix(record.Description, "pulled from ") || strings.HasPrefix(record.Description, "from "))
}
