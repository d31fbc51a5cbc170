package engine

// What the classic builder leaves is known only from its output, into which a
// Dockerfile can write lines of its own. So those lines are hints: an image is
// removed only if it did not exist before the build and nothing refers to it.

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/opensbs/sbs/server/builder/solve"
)

// Lines of the classic builder (builder/dockerfile in the Engine's source).
var (
	stepLine      = regexp.MustCompile(`^(Step [0-9]+/[0-9]+ : .+?)\n?$`)
	imageLine     = regexp.MustCompile(`^ ---> ([0-9a-f]{12})\n$`)
	containerLine = regexp.MustCompile(`^ ---> Running in ([0-9a-f]{12})\n$`)
)

// maxLeftovers bounds the stored data of a build's steps.
const maxLeftovers = 4096

// leftovers collects the images and containers in the output of a build.
type leftovers struct {
	before    map[string]bool // IDs of the images that existed before
	images    []string        // short IDs in the order of the steps
	container string          // short ID of the last step's container
	step      string          // the last step
}

func (e *Engine) watchLeftovers(ctx context.Context) (*leftovers, error) {
	all, err := e.api.ImageList(ctx, image.ListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list the images before the build: %w", unreachable(ctx, e.api.DaemonHost(), err))
	}
	before := make(map[string]bool, len(all))
	for _, known := range all {
		before[known.ID] = true
	}
	return &leftovers{before: before}, nil
}

// read collects the ids in one piece of output.
func (l *leftovers) read(line string) {
	if found := stepLine.FindStringSubmatch(line); found != nil {
		l.step = found[1]
	}
	if found := containerLine.FindStringSubmatch(line); found != nil {
		l.container = found[1]
	}
	if found := imageLine.FindStringSubmatch(line); found != nil && len(l.images) < maxLeftovers {
		l.images = append(l.images, found[1])
	}
}

// explain adds the last step to a build's error.
func (l *leftovers) explain(err error) error {
	if l.step == "" {
		return err
	}
	return fmt.Errorf("%q failed: %w", l.step, err)
}

// clearLeftovers removes what the build left, and writes to the output what it could
// not remove.
func (e *Engine) clearLeftovers(ctx context.Context, left *leftovers, output io.Writer) {
	cut := ctx.Err() != nil
	ctx, cancel := solve.ForCleanup(ctx)
	defer cancel()
	if cut && left.container != "" {
		e.awaitRemoval(ctx, left.container)
	}
	for _, id := range slices.Backward(left.images) {
		if err := e.removeLeftover(ctx, left, id); err != nil {
			fmt.Fprintf(output, "intermediate image %s is still there: %v\n", id, err)
		}
	}
}

// awaitRemoval waits for the Engine to remove the container of a step that was
// cut short. It only waits, because the name came from the output.
func (e *Engine) awaitRemoval(ctx context.Context, id string) {
	removed, failed := e.api.ContainerWait(ctx, id, container.WaitConditionRemoved)
	select {
	case <-removed:
	case <-failed: // gone already, or the time is over
	}
}

// removeLeftover removes the image of a step unless it is part of another image
// or of older date than the build.
func (e *Engine) removeLeftover(ctx context.Context, left *leftovers, id string) error {
	found, err := e.api.ImageInspect(ctx, id)
	if errdefs.IsNotFound(err) || left.before[found.ID] {
		return nil
	}
	if err != nil {
		return err
	}
	return e.removeUntagged(ctx, []string{found.ID})
}
