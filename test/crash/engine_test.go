//go:build stack

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

// marks identify images, containers and BuildKit records of the repository of this
// test: others may use the engine too.
type marks struct {
	label   string  // of the image
	command string  // in the Dockerfile
	sizes   []int64 // of the folders that BuildKit copies, in bytes
}

// leftovers returns what the engine still has of the builds of this test.
func (env *environment) leftovers(t testing.TB) (found []string) {
	t.Helper()
	ctx := t.Context()
	images, err := env.Docker.ImageList(ctx, image.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", env.marks.label))})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		found = append(found, "image "+i.ID+" "+strings.Join(i.RepoTags, " "))
	}
	containers, err := env.Docker.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range containers {
		if strings.Contains(c.Command, env.marks.command) || strings.HasPrefix(c.Image, env.Registry.Address()+"/sbs/") {
			found = append(found, "container "+c.ID+" "+c.Image)
		}
	}
	records, err := env.buildkit.DiskUsage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		copied := record.RecordType == buildkit.UsageRecordTypeLocalSource && slices.Contains(env.marks.sizes, record.Size)
		if copied || strings.Contains(record.Description, env.marks.command) {
			found = append(found, "BuildKit record "+record.ID+" "+record.Description)
		}
	}
	return append(found, env.running(t)...)
}

// running returns the processes of the Dockerfile's command.
func (env *environment) running(t testing.TB) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	marker := strings.ReplaceAll(env.marks.command, " ", "\x00")
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(marker)) { // an error means that it has ended
			found = append(found, "process "+path)
		}
	}
	return found
}

// checkEngine waits until the engine has no leftovers, and fails when some remain.
func (env *environment) checkEngine(t testing.TB) {
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
			t.Errorf("not removed from the engine: %s", strings.Join(left, "; "))
			env.reported = append(env.reported, left...) // reported once
			return
		}
	}
}
