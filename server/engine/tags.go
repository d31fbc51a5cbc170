package engine

// Tags are the only handle on an image: whatever is removed here was named, by
// tag or by repository.

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
)

// Tag gives the image that source names, an ID or a reference, the tags in
// references ("host/repository:tag").
func (e *Engine) Tag(ctx context.Context, source string, references ...string) error {
	for _, name := range references {
		tagged, err := parseTag(name)
		if err != nil {
			return fmt.Errorf("tag an image: %w", err)
		}
		if err := e.api.ImageTag(ctx, source, tagged.String()); err != nil {
			return fmt.Errorf("tag %s as %s: %w", source, name, unreachable(ctx, e.api.DaemonHost(), err))
		}
	}
	return nil
}

// Remove removes the tags in references ("host/repository:tag") and, with its
// last tag, each image. A tag that does not exist is no error. All are tried,
// whatever happens to one.
func (e *Engine) Remove(ctx context.Context, references ...string) error {
	var failed error
	for _, name := range references {
		tagged, err := parseTag(name)
		if err == nil {
			err = e.untag(ctx, tagged)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("remove image %s: %w", name, err))
		}
	}
	return failed
}

// RemoveTagged is Remove for all the tags of a repository ("host/repository"):
// what a build that was interrupted, even by the death of its process, can
// have left.
func (e *Engine) RemoveTagged(ctx context.Context, repository string) error {
	named, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return fmt.Errorf("remove the images of %q: %w", repository, err)
	}
	if !reference.IsNameOnly(named) {
		return fmt.Errorf("remove the images of %q: not of the form host/repository", repository)
	}
	images, err := e.api.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return fmt.Errorf("remove the images of %s: %w", repository, unreachable(ctx, e.api.DaemonHost(), err))
	}
	var failed error
	for _, found := range images {
		for _, name := range append(found.RepoTags, found.RepoDigests...) {
			known, err := reference.ParseNormalizedNamed(name)
			if err != nil || known.Name() != named.Name() {
				continue // "<none>:<none>" or another repository
			}
			failed = errors.Join(failed, e.untag(ctx, known))
		}
	}
	if failed != nil {
		return fmt.Errorf("remove the images of %s: %w", repository, failed)
	}
	return nil
}

// untag removes one reference. The full form of its name keeps the Engine from
// reading it as an ID.
func (e *Engine) untag(ctx context.Context, named reference.Named) error {
	_, err := e.api.ImageRemove(ctx, named.String(), image.RemoveOptions{PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return unreachable(ctx, e.api.DaemonHost(), err)
	}
	return nil
}

// holders gives the IDs of the images that have the tags in references now.
func (e *Engine) holders(ctx context.Context, references []string) ([]string, error) {
	var ids []string
	for _, name := range references {
		tagged, err := parseTag(name)
		if err != nil {
			return nil, err
		}
		found, err := e.api.ImageInspect(ctx, tagged.String())
		switch {
		case err == nil:
			if !slices.Contains(ids, found.ID) {
				ids = append(ids, found.ID)
			}
		case !errdefs.IsNotFound(err):
			return nil, fmt.Errorf("look for image %s: %w", name, unreachable(ctx, e.api.DaemonHost(), err))
		}
	}
	return ids, nil
}

// removeUntagged removes those of the images that nothing refers to any more.
func (e *Engine) removeUntagged(ctx context.Context, ids []string) error {
	var failed error
	for _, id := range ids {
		found, err := e.api.ImageInspect(ctx, id)
		if err == nil && len(found.RepoTags) == 0 && len(found.RepoDigests) == 0 {
			_, err = e.api.ImageRemove(ctx, found.ID, image.RemoveOptions{PruneChildren: true})
		}
		// A container or another image may still be using it.
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			failed = errors.Join(failed, fmt.Errorf("remove the replaced image %s: %w", id, err))
		}
	}
	return failed
}
