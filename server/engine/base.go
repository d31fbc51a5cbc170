package engine

// The record of a build names every image from outside with the digest that the
// builder reported. A name that the builder reports without one is not looked up:
// a registry or the Engine's store may give another image by then than the build
// took. BuildKit of Engine 20.10 reports no digest for an image that COPY --from
// or a mount names by tag, nor for one out of the Engine's own store; the classic
// builder reports none at all.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/opensbs/sbs/server/builder"
)

// baseImages returns the images that a build reported by these names, each once,
// sorted: BuildKit reports them in any order, and the record of a build is to be the
// same every time.
func baseImages(names []string) ([]builder.BaseImage, error) {
	var images []builder.BaseImage
	for _, name := range names {
		image, err := baseImage(name)
		if err != nil {
			return nil, fmt.Errorf("read the name of the base image %q: %w", name, err)
		}
		if !slices.Contains(images, image) {
			images = append(images, image)
		}
	}
	slices.SortFunc(images, func(a, b builder.BaseImage) int {
		return cmp.Or(strings.Compare(a.Reference, b.Reference), strings.Compare(a.Digest, b.Digest))
	})
	return images, nil
}

func baseImage(name string) (builder.BaseImage, error) {
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return builder.BaseImage{}, err
	}
	if digested, ok := named.(reference.Digested); ok {
		return builder.BaseImage{Reference: withoutDigest(name, named), Digest: digested.Digest().String()}, nil
	}
	return builder.BaseImage{Reference: named.String()}, nil
}

// withoutDigest returns the image's full name, with the tag that ParseDockerRef
// drops from a name that has both.
func withoutDigest(name string, named reference.Named) string {
	bare := reference.TrimNamed(named)
	if full, err := reference.ParseNormalizedNamed(name); err == nil {
		if tagged, ok := full.(reference.Tagged); ok {
			return bare.String() + ":" + tagged.Tag()
		}
	}
	return bare.String()
}
