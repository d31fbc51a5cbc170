//go:build stack

package engine

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/opensbs/sbs/server/builder"
)

// TestAdapter builds through the pipeline's interface: the image is in the archive, and
// what it left in the Engine is removed on request, and at once if it can't be saved.
func TestAdapter(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		a := Adapter{e}
		if got := a.Version(); got.ReportsSources != (e.builder == BuildKit) || got.Tools["docker engine"] == "" || got.EnforcesPolicy {
			t.Errorf("its version is %+v", got)
		}
		repo := repository(t, e, "127.0.0.1:1")
		dir := tree(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
		request := builder.Request{
			ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tags: []string{repo + ":x", repo + ":y"},
			Archive: filepath.Join(t.TempDir(), "image.tar"), MaxSize: 1 << 20,
		}
		left := func() bool {
			_, err := e.api.ImageInspect(t.Context(), repo+":y")
			return !errdefs.IsNotFound(err)
		}
		built, err := a.Build(t.Context(), request, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if saved, err := os.Stat(request.Archive); err != nil || saved.Size() == 0 || !left() {
			t.Errorf("saved: %v, %v; the Engine has the image: %v", saved, err, left())
		}
		if err := built.Remove(t.Context()); err != nil || left() {
			t.Errorf("removed: %v; the Engine has the image: %v", err, left())
		}
		request.Archive, request.MaxSize = request.Archive+".small", 1000
		if _, err := a.Build(t.Context(), request, io.Discard); err == nil || left() {
			t.Errorf("too large an image: %v; the Engine has it: %v", err, left())
		}
		mustBuild(t, e, BuildRequest{ContextDir: dir, Dockerfile: request.Dockerfile, Tags: request.Tags})
		if err := a.RemoveLeftovers(context.Background(), repo, time.Time{}); err != nil || left() {
			t.Errorf("leftovers: %v; the Engine has the image: %v", err, left())
		}
	})
}
