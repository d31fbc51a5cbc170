package registry

// How a referrer gets into the list that verifiers read.

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	listTries = 6                      // how often the registry's own list is read
	listPause = 100 * time.Millisecond // before it is read again; doubled each time

	fallbackTries = 10                    // how often the index is written
	minWait       = 50 * time.Millisecond // see AwaitOthers
	maxWait       = 5 * time.Second
)

// awaitListed reads the registry's own list until it has the referrer.
func (r *Repository) awaitListed(ctx context.Context, referrer Referrer, digest string) error {
	pause := listPause
	for try := range listTries {
		if try > 0 {
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
		index, _, err := r.referrersAPI(ctx, referrer.Subject)
		if err != nil {
			return err
		}
		if lists(index, digest) {
			return nil
		}
	}
	return errNotListed
}

// addToFallback adds the referrer to the index under the fallback tag. Registries
// have no conditional write: two who read the same index and write one after the
// other lose the first one's referrer. So the index is read again when another
// writer that began before this one wrote is done, too, and written again if the
// referrer is not there.
func (r *Repository) addToFallback(ctx context.Context, referrer Referrer, digest string) error {
	added := v1.Descriptor{
		MediaType:    types.OCIManifestSchema1,
		Size:         int64(len(referrer.Manifest)),
		ArtifactType: referrer.ArtifactType,
		Annotations:  referrer.Annotations,
	}
	var err error
	if added.Digest, err = v1.NewHash(digest); err != nil {
		return err
	}
	for range fallbackTries {
		began := time.Now()
		index, err := r.fallback(ctx, referrer.Subject)
		if err != nil || lists(index, digest) {
			return err
		}
		index.Manifests = append(index.Manifests, added)
		slices.SortFunc(index.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
		text, err := json.Marshal(index)
		if err == nil {
			err = r.PutManifest(ctx, FallbackTag(referrer.Subject), string(types.OCIImageIndex), text)
		}
		if err != nil {
			return fmt.Errorf("write the tag %s: %w", FallbackTag(referrer.Subject), err)
		}
		if err := AwaitOthers(ctx, time.Since(began)); err != nil {
			return err
		}
	}
	index, err := r.fallback(ctx, referrer.Subject)
	if err == nil && !lists(index, digest) {
		err = errLost
	}
	return err
}

// AwaitOthers waits until another writer is done that had read what is stored under a
// tag before it was written here, and takes about as long for that as it took
// here. Chance keeps two from meeting again.
func AwaitOthers(ctx context.Context, took time.Duration) error {
	wait := min(max(4*took, minWait), maxWait)
	return sleep(ctx, wait+rand.N(wait/2))
}

func lists(index v1.IndexManifest, digest string) bool {
	return slices.ContainsFunc(index.Manifests, func(one v1.Descriptor) bool { return one.Digest.String() == digest })
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
