//go:build stack

// What a build may have left in the engine, which others use too: images,
// containers and BuildKit's records are told from theirs by marks that our
// repository bears.
package crash

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	buildkit "github.com/moby/buildkit/client"
)

// marks are what the engine's list shows of a build of ours.
type marks struct {
	label   string  // of the image
	command string  // in the Dockerfile
	sizes   []int64 // of the folders that BuildKit copies, in bytes
}

// leftovers are what is in the engine of our builds.
func (l *lab) leftovers(t testing.TB) (found []string) {
	t.Helper()
	ctx := t.Context()
	images, err := l.docker.ImageList(ctx, image.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", l.marks.label))})
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range images {
		found = append(found, "image "+left.ID+" "+strings.Join(left.RepoTags, " "))
	}
	containers, err := l.docker.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range containers {
		if strings.Contains(left.Command, l.marks.command) || strings.HasPrefix(left.Image, l.Registry.Address()+"/sbs/") {
			found = append(found, "container "+left.ID+" "+left.Image)
		}
	}
	records, err := l.buildkit.DiskUsage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range records {
		copied := left.RecordType == buildkit.UsageRecordTypeLocalSource && slices.Contains(l.marks.sizes, left.Size)
		if copied || strings.Contains(left.Description, l.marks.command) {
			found = append(found, "BuildKit record "+left.ID+" "+left.Description)
		}
	}
	return append(found, l.running(t)...)
}

// running are the processes of our Dockerfile's command.
func (l *lab) running(t testing.TB) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	marker := strings.ReplaceAll(l.marks.command, " ", "\x00")
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(marker)) { // an error: it has ended
			found = append(found, "process "+path)
		}
	}
	return found
}

// nothingLeft fails when the engine does not get free of our builds.
func (l *lab) nothingLeft(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience/4)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		left := slices.DeleteFunc(l.leftovers(t), func(one string) bool { return slices.Contains(l.reported, one) })
		if len(left) == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Errorf("left in the engine: %s", strings.Join(left, "; "))
			l.reported = append(l.reported, left...) // once is enough
			return
		}
	}
}
