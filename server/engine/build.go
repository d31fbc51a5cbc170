package engine

// A build is the same thing to the caller whichever builder does it. What both
// have in common is here: the request, its checks and the result.

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/builder/solve"
)

// BuildRequest has the files, arguments, names and accounts of a build.
type BuildRequest struct {
	// ContextDir is the absolute path of the build context, Dockerfile that of
	// the Dockerfile, which may lie outside the context. Neither may hold a
	// symbolic link: the caller resolves links within what it cloned.
	ContextDir string
	Dockerfile string

	Args map[string]string // values for the Dockerfile's ARG instructions
	Tags []string          // "host/repository:tag", at least one; the image gets all of them

	// Accounts are those of the registries of base images. Any other registry is
	// accessed anonymously.
	Accounts []api.RegistryAccount
}

// Image is the result of a build.
type Image struct {
	ID   string              // the Engine's name for the image: "sha256:" and 64 hex digits
	Base []builder.BaseImage // in the order in which the build first used them

	// Cache identifies the build's own records in BuildKit's cache. The caller removes
	// them with ClearCache, whether the build succeeded or not.
	Cache Cache
}

// Build builds an image. Every build is fresh: no step is taken from a cache,
// and a cache mount is empty at the start. A base image is resolved as docker
// build does: the Engine's own store first, then its registry. The builder's
// progress goes to output as it comes, in lines; an error of output fails the
// build. An image that loses its last tag to the new one is removed.
//
// A failing step's error names the step and its exit code. The error is
// ErrUnauthorized when a registry refused the credentials for a base image. A
// build that ends early leaves no container, and a failed one nothing in the
// cache; tags it may have set already are
// the caller's to remove, see RemoveTagged.
func (e *Engine) Build(ctx context.Context, request BuildRequest, output io.Writer) (Image, error) {
	if err := request.check(); err != nil {
		return Image{}, fmt.Errorf("build an image: %w", err)
	}
	build := e.buildWithBuildKit
	if e.builder == Classic {
		build = e.buildClassic
	}
	replaced, err := e.holders(ctx, request.Tags)
	if err != nil {
		return Image{}, fmt.Errorf("build an image: %w", ended(ctx, err))
	}
	lines := &solve.Output{To: output}
	built, err := build(ctx, request, lines)
	if err == nil {
		err = lines.Err()
	}
	if err == nil {
		err = e.removeUntagged(ctx, replaced)
	}
	if err != nil {
		e.clearAfterFailure(ctx, built.Cache, lines)
		return Image{}, fmt.Errorf("build an image: %w", ended(ctx, err))
	}
	return built, nil
}

func (r BuildRequest) check() error {
	if err := solve.CheckFiles(r.ContextDir, r.Dockerfile); err != nil {
		return err
	}
	if len(r.Tags) == 0 {
		return errors.New("no tag given: an image without one could not be found again")
	}
	for _, tag := range r.Tags {
		if _, err := parseTag(tag); err != nil {
			return err
		}
	}
	return nil
}

// parseTag takes a repository name with a tag and nothing else, so that no
// argument can be read as the ID of some other image.
func parseTag(tag string) (reference.NamedTagged, error) {
	named, err := reference.ParseNormalizedNamed(tag)
	if err != nil {
		return nil, fmt.Errorf("image reference %q: %w", tag, err)
	}
	tagged, ok := named.(reference.NamedTagged)
	_, digested := named.(reference.Digested)
	_, notID := digest.Parse(tag)
	if !ok || digested || notID == nil {
		return nil, fmt.Errorf("image reference %q: not of the form host/repository:tag", tag)
	}
	return tagged, nil
}
