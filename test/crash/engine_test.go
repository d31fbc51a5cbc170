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

	"github.com/opensbs/sbs/test/kit"
)

// marks are what the engine's list shows of a build of ours.
type marks struct {
	label   string  // of the image
	command string  // in the Dockerfile
	sizes   []int64 // of the folders that BuildKit copies, in bytes
}

// leftovers are what is in the engine of our builds.
func (env *environment) leftovers(t testing.TB) (found []string) {
	t.Helper()
	ctx := t.Context()
	images, err := env.Docker.ImageList(ctx, image.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", env.marks.label))})
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range images {
		found = append(found, "image "+left.ID+" "+strings.Join(left.RepoTags, " "))
	}
	containers, err := env.Docker.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range containers {
		if strings.Contains(left.Command, env.marks.command) || strings.HasPrefix(left.Image, env.Registry.Address()+"/sbs/") {
			found = append(found, "container "+left.ID+" "+left.Image)
		}
	}
	records, err := env.buildkit.DiskUsage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range records {
		copied := left.RecordType == buildkit.UsageRecordTypeLocalSource && slices.Contains(env.marks.sizes, left.Size)
		if copied || strings.Contains(left.Description, env.marks.command) {
			found = append(found, "BuildKit record "+left.ID+" "+left.Description)
		}
	}
	return append(found, env.running(t)...)
}

// running are the processes of our Dockerfile's command.
func (env *environment) running(t testing.TB) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	marker := strings.ReplaceAll(env.marks.command, " ", "\x00")
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(marker)) { // an error: it has ended
			found = append(found, "process "+path)
		}
	}
	return found
}

// nothingLeft fails when the engine does not get free of our builds.
func (env *environment) nothingLeft(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout/4)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		left := slices.DeleteFunc(env.leftovers(t), func(one string) bool { return slices.Contains(env.reported, one) })
		if len(left) == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Errorf("left in the engine: %s", strings.Join(left, "; "))
			env.reported = append(env.reported, left...) // once is enough
			return
		}
	}
}
