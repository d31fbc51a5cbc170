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

// clearCache removes what was added to the cache since before was listed. The
// Engine passes over what another build is using. A failure is told in the
// output.
func (e *Engine) clearCache(ctx context.Context, before map[string]bool, output io.Writer) {
	ctx, cancel := forCleanup(ctx)
	defer cancel()
	if err := e.removeRecords(ctx, before); err != nil {
		fmt.Fprintf(output, "the build cache could not be cleared: %v\n", err)
	}
}

func (e *Engine) removeRecords(ctx context.Context, before map[string]bool) error {
	kit, err := e.dialBuildKit(ctx)
	if err != nil {
		return err
	}
	defer kit.Close()
	records, err := kit.DiskUsage(ctx)
	if err != nil {
		return err
	}
	var added []string
	for _, record := range records {
		if !before[record.ID] && !ofBaseImage(record) {
			added = append(added, "id=="+record.ID)
		}
	}
	if len(added) == 0 {
		return nil
	}
	return kit.Prune(ctx, nil, buildkit.PruneAll, buildkit.WithFilter(added))
}

// ofBaseImage goes by the descriptions that the sources of images in BuildKit
// ("pulled from") and in the Engine ("from") give their records. A wrong guess
// costs disk space or time, nothing else.
func ofBaseImage(record *buildkit.UsageInfo) bool {
	return record.RecordType == buildkit.UsageRecordTypeRegular &&
		(strings.HasPrefix(record.Description, "pulled from ") || strings.HasPrefix(record.Description, "from "))
}
