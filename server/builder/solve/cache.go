package solve

// BuildKit keeps a copy of every context and the result of every step. A fresh build
// uses none of it, so it would only fill the disk: what a build adds to the cache is
// removed after it. Layers of base images stay; their names are their digests, and the
// next build need not fetch them again.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	buildkit "github.com/moby/buildkit/client"
)

// Cache holds the records of BuildKit's cache before a build, by ID; nil without
// BuildKit.
type Cache map[string]bool

// ListCache returns what BuildKit's cache holds now.
func ListCache(ctx context.Context, kit *buildkit.Client) (Cache, error) {
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

// Added selects the records that were added since the cache was listed.
func (c Cache) Added(record *buildkit.UsageInfo) bool { return !c[record.ID] }

// BuildKit releases the records of a build a moment after its end, and later when its
// client has died or the machine is busy. A record that is in use for longer belongs
// to another build, which removes it.
const (
	releaseTime  = 5 * time.Second
	pollInterval = 50 * time.Millisecond
)

// RemoveRecords removes the cache records that ours selects, and waits for those in use
// for five seconds at most. Layers of base images stay. prune removes records that are
// not in use, and reports whether it removed any.
func RemoveRecords(ctx context.Context, kit *buildkit.Client, ours func(*buildkit.UsageInfo) bool, prune func(context.Context, []*buildkit.UsageInfo) (bool, error)) error {
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
		free := slices.DeleteFunc(left, func(record *buildkit.UsageInfo) bool { return record.InUse })
		removed, err := false, error(nil)
		if len(free) > 0 {
			removed, err = prune(ctx, free)
		}
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

// ofBaseImage goes by the descriptions that the sources of images in BuildKit
// ("pulled from") and in the Engine ("from") give their records. A wrong guess
// costs disk space or time, nothing else.
func ofBaseImage(record *buildkit.UsageInfo) bool {
	return record.RecordType == buildkit.UsageRecordTypeRegular &&
		(strings.HasPrefix(record.Description, "pulled from ") || strings.HasPrefix(record.Description, "from "))
}
