package solve

// BuildKit reports its work as vertices of a graph. The same events are shown
// to the user, and read for the two things the result needs: which images from
// outside were used, and which step failed.

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/progress"
)

// Report holds the data from the events of one build.
type Report struct {
	Base   []string // full references of images from outside, each once
	Failed string   // name of the first vertex that failed
}

// Run runs one build and writes its progress to output, as lines of text.
func Run(ctx context.Context, kit *buildkit.Client, options buildkit.SolveOpt, output io.Writer) (*Report, *buildkit.SolveResponse, error) {
	display, err := progressui.NewDisplay(output, progressui.PlainMode)
	if err != nil {
		return nil, nil, fmt.Errorf("show the build's progress: %w", err)
	}
	var (
		reported Report
		response *buildkit.SolveResponse
		events   = make(chan *buildkit.SolveStatus)
		shown    = make(chan *buildkit.SolveStatus)
		group    errgroup.Group
	)
	group.Go(func() (err error) {
		response, err = kit.Solve(ctx, nil, options, events) // closes events
		return err
	})
	group.Go(func() error {
		defer close(shown)
		for status := range events {
			progress.Report(ctx)
			reported.read(status)
			shown <- status
		}
		return nil
	})
	group.Go(func() error {
		// The end of the events is what ends the display, so that Solve never
		// waits for a reader that has left.
		_, err := display.UpdateFrom(context.WithoutCancel(ctx), shown)
		return err
	})
	err = group.Wait()
	return &reported, response, err
}

// read takes from one event what the result needs.
func (r *Report) read(status *buildkit.SolveStatus) {
	for _, vertex := range status.Vertexes {
		if name, ok := baseOfVertex(vertex.Name); ok && !slices.Contains(r.Base, name) {
			r.Base = append(r.Base, name)
		}
		cancelled := strings.HasSuffix(vertex.Error, context.Canceled.Error())
		if vertex.Error != "" && !cancelled && r.Failed == "" {
			r.Failed = vertex.Name
		}
	}
}

// Explain adds the failed step to a build's error, or the error stopped if no step
// failed and the builder ended.
func (r *Report) Explain(err, stopped error) error {
	err = Classify(err)
	switch {
	case r != nil && r.Failed != "":
		return fmt.Errorf("step %q failed: %w", r.Failed, err)
	case endedBuilder(err):
		return fmt.Errorf("%w: %w", stopped, err)
	default:
		return err
	}
}

// Names of vertices that represent an external image, as BuildKit's Dockerfile
// frontend writes them (frontend/dockerfile/dockerfile2llb/convert.go): "[stage
// 1/2] FROM name", and "FROM name" for COPY --from=name. The text of a RUN
// instruction cannot take this form, it begins with its own "[2/2] RUN". The
// frontend of a "# syntax=" line is an image too (frontend/gateway).
var (
	fromVertex     = regexp.MustCompile(`^(?:\[[^\[\]]*[0-9]+/[0-9]+\] )?FROM (\S+)$`)
	frontendVertex = regexp.MustCompile(`^docker-image://(\S+)$`)
)

// baseOfVertex gives the image reference that a vertex's name holds.
func baseOfVertex(name string) (string, bool) {
	for _, form := range []*regexp.Regexp{fromVertex, frontendVertex} {
		if found := form.FindStringSubmatch(name); found != nil && found[1] != "scratch" {
			return found[1], true
		}
	}
	return "", false
}
