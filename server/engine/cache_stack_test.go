//go:build stack

package engine

import (
	"context"
	"crypto/rand"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	buildkit "github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/server/builder/solve"
)

// keepCache takes out of the cache, at the end, what the test added.
func keepCache(t *testing.T, e *Engine) {
	t.Helper()
	before := make(Cache)
	for _, record := range records(t, e) {
		before[record.ID] = true
	}
	t.Cleanup(func() { e.clearAfterFailure(context.Background(), before, t.Output()) })
}

// uncleared builds with BuildKit and leaves in the cache what it puts there, as
// a build that was killed does.
func uncleared(t *testing.T, e *Engine, options buildkit.SolveOpt) {
	t.Helper()
	kit, err := e.dialBuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer kit.Close()
	keepCache(t, e)
	if _, _, err := solve.Run(t.Context(), kit, options, t.Output()); err != nil {
		t.Fatal(err)
	}
}

func mustOptions(t *testing.T, r BuildRequest) buildkit.SolveOpt {
	t.Helper()
	options, err := solveOptions(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return options
}

func TestCacheMountsAreNotShared(t *testing.T) {
	e := connect(t, BuildKit)
	repo := repository(t, e, "127.0.0.1:1")
	base(t, e, repo+":base")
	for _, round := range []string{"one", "two"} {
		dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\n" +
			"RUN --mount=type=cache,id=shared,target=/cache test ! -e /cache/mark && echo " + round + " > /cache/mark\n" +
			"RUN --mount=type=cache,id=shared,target=/cache test -e /cache/mark\n"})
		r := request(dir, repo+":"+round)
		r.Args = map[string]string{"BUILDKIT_CACHE_MOUNT_NS": "chosen by the request"}
		options := mustOptions(t, r)
		// It has BuildKit use new cache mounts too; here the namespace has to.
		delete(options.FrontendAttrs, "no-cache")
		uncleared(t, e, options)
	}
}

// A context of the same sizes and times is what BuildKit takes for unchanged.
func TestFilesOfAnEarlierContextAreNotReused(t *testing.T) {
	e := connect(t, BuildKit)
	repo := repository(t, e, "127.0.0.1:1")
	for _, content := range []string{"one", "two"} {
		dir := tree(t, map[string]string{"file": content, "Dockerfile": "FROM scratch\nCOPY file /\n"})
		for _, name := range []string{"file", "Dockerfile"} {
			if err := os.Chtimes(filepath.Join(dir, name), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
				t.Fatal(err)
			}
		}
		uncleared(t, e, mustOptions(t, request(dir, repo+":"+content)))
		wantFiles(t, files(t, e, repo+":"+content), map[string]string{"file": content})
	}
}

func TestBuildLeavesNothingInTheCache(t *testing.T) {
	e := connect(t, BuildKit)
	repo := repository(t, e, "127.0.0.1:1")
	base(t, e, repo+":base")
	for name, step := range map[string]string{"success": "true", "failure": "false"} {
		t.Run(name, func(t *testing.T) {
			// Identifies the records of this build.
			mark, size := rand.Text(), 1e6+mathrand.IntN(1e6)
			dir := tree(t, map[string]string{
				"large":      strings.Repeat("x", size),
				"Dockerfile": "FROM " + repo + ":base\nCOPY . /x\nRUN --mount=type=cache,target=/c echo " + mark + " > /c/1\nRUN " + step + "\n",
			})
			built, err := e.Build(t.Context(), request(dir, repo+":x"), io.Discard)
			if (err == nil) != (name == "success") {
				t.Fatal(err)
			}
			if err := e.ClearCache(t.Context(), built.Cache); err != nil {
				t.Fatal(err)
			}
			for _, record := range records(t, e) {
				ofContext := record.Size >= int64(size) && record.Size < int64(size)+1000
				if ofContext || strings.Contains(record.Description, mark) {
					t.Errorf("%s %q of %d bytes is left", record.RecordType, record.Description, record.Size)
				}
			}
		})
	}
}

// What builds left whose process was killed goes, and nothing older.
func TestRemoveCacheOfKilledBuilds(t *testing.T) {
	e := connect(t, BuildKit)
	repo := repository(t, e, "127.0.0.1:1")
	older, newer := 1e6+mathrand.IntN(1e6), 3e6+mathrand.IntN(1e6)
	leave := func(size int) {
		t.Helper()
		dir := tree(t, map[string]string{"large": strings.Repeat("x", size), "Dockerfile": "FROM scratch\nCOPY . /x\n"})
		uncleared(t, e, mustOptions(t, request(dir, repo+":x")))
	}
	left := func(size int) bool {
		t.Helper()
		return slices.ContainsFunc(records(t, e), func(record *buildkit.UsageInfo) bool {
			return record.Size >= int64(size) && record.Size < int64(size)+1000
		})
	}
	leave(older)
	killed := time.Now()
	leave(newer)
	if !left(older) || !left(newer) {
		t.Fatal("nothing is left to be removed")
	}
	if err := e.RemoveCache(t.Context(), killed); err != nil {
		t.Fatal(err)
	}
	if left(newer) {
		t.Error("the newer build's records are left")
	}
	if !left(older) {
		t.Error("the older build's records are gone")
	}
}

func records(t *testing.T, e *Engine) []*buildkit.UsageInfo {
	t.Helper()
	kit, err := e.dialBuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer kit.Close()
	all, err := kit.DiskUsage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}
