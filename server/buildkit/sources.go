package buildkit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/util/purl"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/server/builder"
)

// provenance is what is read of a build's record, a SLSA provenance predicate v1 with
// BuildKit's additions.
type provenance struct {
	BuildDefinition struct {
		ResolvedDependencies []struct {
			URI    string            `json:"uri"`
			Digest map[string]string `json:"digest"`
		} `json:"resolvedDependencies"`
		InternalParameters struct {
			BuildConfig struct {
				Definition []struct {
					ID string `json:"id"`
					Op struct {
						Op struct {
							Source *struct {
								Identifier string `json:"identifier"`
							} `json:"source"`
						} `json:"Op"`
					} `json:"op"`
				} `json:"llbDefinition"`
			} `json:"buildConfig"`
		} `json:"internalParameters"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Metadata struct {
			BuildKit struct {
				// Layers of the results of steps: "step3:0" is the first of step3.
				Layers map[string][][]struct {
					Digest string `json:"digest"`
				} `json:"layers"`
			} `json:"buildkit_metadata"`
		} `json:"metadata"`
	} `json:"runDetails"`
}

// sources returns the images and the downloads that the build used, each once, sorted.
// A source without a digest is an error: BuildKit resolves each that it uses.
func (p *provenance) sources() ([]builder.BaseImage, []builder.Download, error) {
	var images []builder.BaseImage
	var downloads []builder.Download
	for _, used := range p.BuildDefinition.ResolvedDependencies {
		if !strings.HasPrefix(used.URI, "pkg:") {
			found := anyDigest(used.Digest)
			if found == "" {
				return nil, nil, fmt.Errorf("BuildKit's record of the source %.500q: it has no digest", used.URI)
			}
			downloads = append(downloads, builder.Download{URL: used.URI, Digest: found})
			continue
		}
		image, err := imageOf(used.URI, used.Digest["sha256"])
		if err != nil {
			return nil, nil, fmt.Errorf("BuildKit's record of the source %.500q: %w", used.URI, err)
		}
		images = append(images, image)
	}
	slices.SortFunc(images, func(a, b builder.BaseImage) int {
		return cmp.Or(strings.Compare(a.Reference, b.Reference), strings.Compare(a.Digest, b.Digest))
	})
	slices.SortFunc(downloads, func(a, b builder.Download) int {
		return cmp.Or(strings.Compare(a.URL, b.URL), strings.Compare(a.Digest, b.Digest))
	})
	return slices.Compact(images), slices.Compact(downloads), nil
}

// imageOf reads a package URL of the type docker.
func imageOf(url, hex string) (builder.BaseImage, error) {
	name, _, err := purl.PURLToRef(url)
	if err != nil {
		return builder.BaseImage{}, err
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return builder.BaseImage{}, err
	}
	found, err := digest.Parse("sha256:" + hex)
	if err != nil {
		return builder.BaseImage{}, fmt.Errorf("it has no digest: %w", err)
	}
	if digested, ok := named.(reference.Digested); ok && digested.Digest() != found {
		return builder.BaseImage{}, fmt.Errorf("it has two digests, %s and %s", digested.Digest(), found)
	}
	return builder.BaseImage{Reference: withoutDigest(named), Digest: found.String()}, nil
}

// withoutDigest returns an image's full name, with its tag if it has one.
func withoutDigest(named reference.Named) string {
	name := named.Name()
	if tagged, ok := named.(reference.Tagged); ok {
		name += ":" + tagged.Tag()
	}
	return name
}

// anyDigest returns the one digest of a download, as "algorithm:hex", or the first in
// the order of their names: of a git repository it is that of the commit.
func anyDigest(digests map[string]string) string {
	var all []string
	for algorithm, hex := range digests {
		all = append(all, algorithm+":"+hex)
	}
	if len(all) == 0 {
		return ""
	}
	return slices.Min(all)
}

// baseLayers returns the digests of the layers of the images that the build used.
func (p *provenance) baseLayers() map[string]bool {
	layers := map[string]bool{}
	for _, step := range p.BuildDefinition.InternalParameters.BuildConfig.Definition {
		if step.Op.Op.Source == nil || !strings.HasPrefix(step.Op.Op.Source.Identifier, imageScheme) {
			continue
		}
		for _, chain := range p.RunDetails.Metadata.BuildKit.Layers[step.ID+":0"] {
			for _, layer := range chain {
				layers[layer.Digest] = true
			}
		}
	}
	return layers
}
