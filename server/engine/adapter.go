package engine

// The pipeline builds with any builder (package builder). Here the Engine is one.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/builder/solve"
)

// Adapter is an Engine in the form in which the pipeline uses builders.
type Adapter struct{ *Engine }

// Version describes the Engine for the record of a build. An Engine does not know
// which sources a build may use, and gives another digest each time.
func (a Adapter) Version() builder.Version {
	v := a.Engine.Version()
	return builder.Version{
		Builder:        string(v.Builder),
		OS:             v.OS,
		Arch:           v.Arch,
		Tools:          map[string]string{"docker engine": v.Engine, "docker api": v.API},
		Fallback:       v.Fallback,
		ReportsSources: v.Builder == BuildKit,
	}
}

// Build builds an image, see [Engine.Build], and saves it to the archive of the
// request. A build that fails leaves no image.
func (a Adapter) Build(ctx context.Context, request builder.Request, output io.Writer) (builder.Image, error) {
	built, err := a.Engine.Build(ctx, BuildRequest{
		ContextDir: request.ContextDir,
		Dockerfile: request.Dockerfile,
		Args:       request.Args,
		Tags:       request.Tags,
		Accounts:   request.Accounts,
	}, output)
	if err == nil {
		err = a.saveTo(ctx, request)
	}
	remove := func(ctx context.Context) error {
		return errors.Join(a.Remove(ctx, request.Tags...), a.ClearCache(ctx, built.Cache))
	}
	if err != nil {
		ctx, cancel := solve.ForCleanup(ctx)
		defer cancel()
		return builder.Image{}, errors.Join(err, remove(ctx))
	}
	return builder.Image{Base: built.Base, Remove: remove}, nil
}

func (a Adapter) saveTo(ctx context.Context, request builder.Request) error {
	file, err := os.OpenFile(request.Archive, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("save the image: %w", err)
	}
	return errors.Join(a.Save(ctx, request.Tags[0], file, request.MaxSize), file.Close())
}

// RemoveLeftovers removes what builds left that nobody follows any more: the images of
// a repository ("host/repository"), and what BuildKit's cache got after since; the
// zero time leaves the cache as it is. The cache comes first: the Engine may have been
// making an image when its client was killed, and is done when it releases the cache.
func (a Adapter) RemoveLeftovers(ctx context.Context, repository string, since time.Time) error {
	var err error
	if !since.IsZero() {
		err = a.RemoveCache(ctx, since)
	}
	return errors.Join(err, a.RemoveTagged(ctx, repository))
}
