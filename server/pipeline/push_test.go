package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/source"
)

// pusher is an engine that can push, and nothing else: no real registry answers
// two digests for one image.
type pusher struct {
	Engine
	answers func(reference string) (engine.Pushed, error)
}

func (p pusher) Push(_ context.Context, reference string, _ engine.Registry, _ io.Writer) (engine.Pushed, error) {
	return p.answers(reference)
}

// Both tags name one image, or the build fails; of two failures the first tag's is
// told.
func TestPushTags(t *testing.T) {
	const image = "sha256:aa"
	refused := errors.New("refused")
	latest := func(reference string) bool { return strings.HasSuffix(reference, ":latest") }
	for name, test := range map[string]struct {
		answers func(reference string) (engine.Pushed, error)
		cause   string // of the failure; none where it is empty
		command string
	}{
		"the same digest": {
			answers: func(string) (engine.Pushed, error) { return engine.Pushed{Digest: image, Size: 7}, nil },
		},
		"two digests": {
			answers: func(reference string) (engine.Pushed, error) {
				if latest(reference) {
					return engine.Pushed{Digest: "sha256:bb", Size: 7}, nil
				}
				return engine.Pushed{Digest: image, Size: 7}, nil
			},
			cause:   "the registry answered digest sha256:bb for r.example.com/ns/app:latest, and sha256:aa for the other tag of the same image",
			command: "docker push r.example.com/ns/app:latest",
		},
		"both refused": {
			answers: func(reference string) (engine.Pushed, error) {
				return engine.Pushed{}, fmt.Errorf("push %s: %w", reference, refused)
			},
			cause:   "push r.example.com/ns/app:0123456: refused",
			command: "docker push r.example.com/ns/app:0123456",
		},
		"the second refused": {
			answers: func(reference string) (engine.Pushed, error) {
				if latest(reference) {
					return engine.Pushed{}, refused
				}
				return engine.Pushed{Digest: image, Size: 7}, nil
			},
			cause:   "refused",
			command: "docker push r.example.com/ns/app:latest",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.Create(filepath.Join(t.TempDir(), "build.log"))
			if err != nil {
				t.Fatal(err)
			}
			b := &build{
				parameters: api.Parameters{PushServer: "r.example.com", DockerRepo: "ns/app"},
				checkout:   source.Checkout{Commit: "0123456789"},
				engine:     pusher{answers: test.answers},
				log:        newLog(file, newRedactor(nil), time.Now, func() {}),
			}
			err = b.pushTags(t.Context())
			if closed := b.log.Close(); closed != nil {
				t.Error(closed)
			}
			if test.cause == "" {
				if err != nil || b.pushed != (engine.Pushed{Digest: image, Size: 7}) {
					t.Errorf("pushed %+v, %v", b.pushed, err)
				}
				return
			}
			var step *stepError
			if !errors.As(err, &step) || step.command != test.command || err.Error() != test.cause || b.pushed.Digest != "" {
				t.Errorf("pushed %+v, %v (%+v)", b.pushed, err, step)
			}
		})
	}
}
