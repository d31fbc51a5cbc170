package push

// Tags move when everything else is done.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/opensbs/sbs/signature/registry"
)

// ImmutableError is a tag that leads to another image and that the registry does
// not let be moved.
type ImmutableError struct {
	Tag, LeadsTo string
	Err          error // the registry's refusal
}

func (e *ImmutableError) Error() string {
	return fmt.Sprintf("the tag %s leads to another image (%s), and the registry refuses to move it: "+
		"make an exception for it where the registry's tags are immutable, or build with another IMAGE_TAG_PREFIX: %v", e.Tag, e.LeadsTo, e.Err)
}

func (e *ImmutableError) Unwrap() error { return e.Err }

// moved is a tag that was written.
type moved struct {
	tag    string
	before registry.Manifest // empty when the tag was not there
}

// Tag makes tags lead to a pushed manifest, one after the other, and reads back
// that they do. A tag that leads there already is not written. undo, which is
// never nil, puts the tags back as they were that were written, for a caller that
// fails here or later. A tag that somebody else moved meanwhile stays.
func (p *Pusher) Tag(ctx context.Context, target Target, image Pushed, tags []string, progress io.Writer) (undo func(context.Context) error, err error) {
	var done []moved
	undo = func(ctx context.Context) error { return putBack(ctx, target, image, done) }
	repository, err := registry.Open(ctx, target.Repository, target.Access, registry.Push)
	if err != nil {
		return undo, err
	}
	defer repository.Close()
	for _, tag := range tags {
		before, err := move(ctx, repository, image, tag)
		if before.written {
			done = append(done, before.moved)
		}
		if err == nil {
			_, err = fmt.Fprintf(progress, "%s: %s\n", tag, image.Digest)
		}
		if err != nil {
			if !errors.As(err, new(*ImmutableError)) {
				err = repository.Explain(ctx, err)
			}
			return undo, fmt.Errorf("tag %s as %s: %w", image.Digest, tag, err)
		}
	}
	return undo, nil
}

type attempt struct {
	moved
	written bool // or may have been
}

func move(ctx context.Context, repository *registry.Repository, image Pushed, tag string) (attempt, error) {
	before, err := repository.Manifest(ctx, tag)
	switch {
	case registry.IsAbsent(err):
		before = registry.Manifest{}
	case err != nil:
		return attempt{}, err
	case before.Digest == image.Digest:
		return attempt{}, nil
	}
	tried := attempt{moved{tag, before}, true}
	if err := repository.PutManifest(ctx, tag, image.MediaType, image.Manifest); err != nil {
		var refused *transport.Error
		if !errors.As(err, &refused) || refused.StatusCode >= http.StatusInternalServerError {
			return tried, err // it may have been written all the same
		}
		if before.Digest != "" && refused.StatusCode != http.StatusUnauthorized {
			err = &ImmutableError{Tag: tag, LeadsTo: before.Digest, Err: err}
		}
		return attempt{}, err
	}
	after, err := repository.Manifest(ctx, tag)
	if err == nil && after.Digest != image.Digest {
		err = fmt.Errorf("the registry took it, and the tag leads to %s", after.Digest)
	}
	return tried, err
}

// putBack undoes what move did, the latest first.
func putBack(ctx context.Context, target Target, image Pushed, done []moved) error {
	if len(done) == 0 {
		return nil
	}
	repository, err := registry.Open(ctx, target.Repository, target.Access, registry.Push)
	if err != nil {
		return fmt.Errorf("put back the tags: %w", err)
	}
	defer repository.Close()
	var failed error
	for _, one := range slices.Backward(done) {
		if err := restore(ctx, repository, image, one); err != nil {
			failed = errors.Join(failed, fmt.Errorf("put back the tag %s: %w", one.tag, repository.Explain(ctx, err)))
		}
	}
	return failed
}

func restore(ctx context.Context, repository *registry.Repository, image Pushed, one moved) error {
	now, err := repository.Manifest(ctx, one.tag)
	switch {
	case registry.IsAbsent(err), err == nil && now.Digest != image.Digest:
		return nil
	case err != nil:
		return err
	case one.before.Digest == "":
		return repository.DeleteTag(ctx, one.tag)
	}
	return repository.PutManifest(ctx, one.tag, one.before.MediaType, one.before.Text)
}
