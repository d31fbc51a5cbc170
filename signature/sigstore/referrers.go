package sigstore

// The bundles attached to an image: OCI image-spec 1.1, manifests with a subject.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
)

// maxReferrers bounds how many referrers of one image are looked at.
const maxReferrers = 256

// Bundles are the texts of all sigstore bundles attached to the manifest with the
// digest, unverified, by any signer and of any statement: signatures,
// provenance, inventories. They are fetched one at a time; the first error is
// the last thing that is yielded.
func Bundles(ctx context.Context, repository *registry.Repository, digest string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		found, err := referrers(ctx, repository, digest)
		if err != nil {
			yield(nil, repository.Explain(ctx, err))
			return
		}
		for _, one := range found {
			text, err := fetchBundle(ctx, repository, one)
			if errors.Is(err, errNoBundle) || registry.IsAbsent(err) {
				continue // of another kind, or deleted while the fallback tag still lists it
			}
			if err != nil {
				yield(nil, fmt.Errorf("get the referrer %s: %w", one.Digest, repository.Explain(ctx, err)))
				return
			}
			if !yield(text, nil) {
				return
			}
		}
	}
}

// Bundle is the text of the bundle that the referrer with the digest attaches to
// the subject, as a verifier finds it: through the list of the subject's
// referrers.
func Bundle(ctx context.Context, repository *registry.Repository, subject, referrer string) ([]byte, error) {
	found, err := referrers(ctx, repository, subject)
	if err != nil {
		return nil, repository.Explain(ctx, err)
	}
	for _, one := range found {
		if one.Digest.String() == referrer {
			text, err := fetchBundle(ctx, repository, one)
			return text, repository.Explain(ctx, err)
		}
	}
	return nil, fmt.Errorf("the referrer %s is not in the list", referrer)
}

func referrers(ctx context.Context, repository *registry.Repository, digest string) ([]v1.Descriptor, error) {
	all, err := repository.Referrers(ctx, digest)
	if err != nil {
		return nil, err
	}
	var found []v1.Descriptor
	for _, one := range all {
		if mayBeBundle(one) {
			found = append(found, one)
		}
	}
	if len(found) > maxReferrers {
		return nil, fmt.Errorf("the image has %d referrers, and no more than %d are looked at", len(found), maxReferrers)
	}
	return found, nil
}

// mayBeBundle goes by the type in the list, which registries that do not know
// it leave out, or fill with the type of the configuration.
func mayBeBundle(one v1.Descriptor) bool {
	switch one.ArtifactType {
	case bundle.MediaType, "", emptyType:
		return one.MediaType.IsImage()
	}
	return false
}

// emptyType is the type of an empty configuration: {}.
const emptyType = "application/vnd.oci.empty.v1+json"

// errNoBundle is a referrer of another kind.
var errNoBundle = errors.New("the referrer is no bundle")

func fetchBundle(ctx context.Context, repository *registry.Repository, one v1.Descriptor) ([]byte, error) {
	image, err := remote.Image(repository.Name.Digest(one.Digest.String()), repository.Options(ctx)...)
	if err != nil {
		return nil, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != bundle.MediaType {
		return nil, errNoBundle
	}
	return fetchLayer(image, manifest.Layers[0], bundle.MaxSize)
}

// fetchLayer returns a layer of at most limit bytes. go-containerregistry checks
// its digest.
func fetchLayer(image v1.Image, one v1.Descriptor, limit int64) (content []byte, err error) {
	if one.Size > limit {
		return nil, fmt.Errorf("a layer of %d bytes, and no more than %d are taken", one.Size, limit)
	}
	layer, err := image.LayerByDigest(one.Digest)
	if err != nil {
		return nil, err
	}
	reader, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	content, err = io.ReadAll(io.LimitReader(reader, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("a layer of more than %d bytes", limit)
	}
	return content, err
}
