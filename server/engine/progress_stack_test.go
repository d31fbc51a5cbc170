//go:build stack

package engine

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/opensbs/sbs/server/progress"
)

// A builder that is silent ends the build with the cause; what clean has to do
// with it is bounded as after a cancellation.
func TestSilentBuilderEndsTheBuild(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, c := range map[string]struct {
		builder Builder
		prefix  string
	}{
		"BuildKit's control":  {BuildKit, "/grpc"},
		"the classic builder": {Classic, "/v1.41/build"},
	} {
		t.Run(name, func(t *testing.T) {
			host, hang := hanging(t)
			e, err := Connect(t.Context(), host, c.builder)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			dir := tree(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
			hang(c.prefix)
			ctx, cancel := progress.WithTimeout(t.Context(), timeout, "the builder")
			defer cancel()
			started := time.Now()
			_, err = e.Build(ctx, request(dir, "127.0.0.1:1/sbs-test/silent:x"), io.Discard)
			var stalled *progress.Stalled
			if !errors.As(err, &stalled) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(started); took > timeout+1200*time.Millisecond {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A step that prints now and then may take longer than the timeout; one that is silent
// may not.
func TestMessagesAreProgress(t *testing.T) {
	for _, builder := range []Builder{BuildKit, Classic} {
		t.Run(string(builder), func(t *testing.T) {
			e := connect(t, builder)
			repo := repository(t, e, "127.0.0.1:1")
			base(t, e, repo+":base")
			keepCache(t, e)
			for step, silent := range map[string]bool{
				"for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done": false,
				"sleep 100": true,
			} {
				dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\nRUN " + step + "\n"})
				ctx, cancel := progress.WithTimeout(t.Context(), 4*time.Second, "the builder")
				_, err := e.Build(ctx, request(dir, repo+":x"), io.Discard)
				cancel()
				var stalled *progress.Stalled
				if errors.As(err, &stalled) != silent || !silent && err != nil {
					t.Errorf("RUN %s: error %v", step, err)
				}
			}
		})
	}
}
