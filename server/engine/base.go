package engine

// The record of a build names every image from outside by digest. A registry's
// digest is in the name that the build reported when the frontend resolved it.
// Else, as for an image taken from the Engine's own store, and in BuildKit for
// the image of a COPY --from with a tag, it is looked up where the build looked.

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
)

// resolveBase turns the names that a build reported into references with
// digests, each once.
func (e *Engine) resolveBase(ctx context.Context, names []string, registries []Registry) ([]BaseImage, error) {
	var base []BaseImage
	for _, name := range names {
		found, err := e.baseImage(ctx, name, registries)
		if err != nil {
			return nil, fmt.Errorf("find the digest of base image %q: %w", name, err)
		}
		if !slices.Contains(base, found) {
			base = append(base, found)
		}
	}
	return base, nil
}

func (e *Engine) baseImage(ctx context.Context, name string, registries []Registry) (BaseImage, error) {
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return BaseImage{}, err
	}
	if digested, ok := named.(reference.Digested); ok {
		return BaseImage{Reference: tagOnly(name, named), Digest: digested.Digest().String()}, nil
	}
	digest, err := e.storedDigest(ctx, named)
	if errdefs.IsNotFound(err) {
		digest, err = e.registryDigest(ctx, named, registries)
	}
	if err != nil {
		return BaseImage{}, err
	}
	return BaseImage{Reference: named.String(), Digest: digest}, nil
}

// tagOnly is the image's full name without its digest; ParseDockerRef drops the
// tag of a name that has both.
func tagOnly(name string, named reference.Named) string {
	bare := reference.TrimNamed(named)
	if full, err := reference.ParseNormalizedNamed(name); err == nil {
		if tagged, ok := full.(reference.Tagged); ok {
			return bare.String() + ":" + tagged.Tag()
		}
	}
	return bare.String()
}

// storedDigest looks in the Engine's own store for the image's full name and,
// because FROM takes the ID of an image too, for the name as it was written.
func (e *Engine) storedDigest(ctx context.Context, named reference.Named) (string, error) {
	found, err := e.api.ImageInspect(ctx, named.String())
	if errdefs.IsNotFound(err) {
		found, err = e.api.ImageInspect(ctx, reference.FamiliarName(named))
	}
	if err != nil {
		return "", err
	}
	return knownDigest(named, found), nil
}

// registryDigest has the Engine ask the image's registry.
func (e *Engine) registryDigest(ctx context.Context, named reference.Named, registries []Registry) (string, error) {
	host := reference.Domain(named)
	encoded, err := encodeCredentials(host, credentialsFor(host, registries))
	if err != nil {
		return "", err
	}
	found, err := e.api.DistributionInspect(ctx, named.String(), encoded)
	if err != nil {
		return "", classify(err)
	}
	return found.Descriptor.Digest.String(), nil
}

// knownDigest is the digest under which the image's repository gave it out, or
// else the image's ID.
func knownDigest(named reference.Named, found image.InspectResponse) string {
	digests := slices.Sorted(slices.Values(found.RepoDigests))
	for _, known := range digests {
		digested, err := reference.ParseNormalizedNamed(known)
		if err != nil || digested.Name() != named.Name() {
			continue
		}
		if canonical, ok := digested.(reference.Canonical); ok {
			return canonical.Digest().String()
		}
	}
	return found.ID
}
