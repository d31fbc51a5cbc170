package sigstore

// How a bundle gets to lie beside an image: OCI image-spec 1.1, manifests with
// a subject. go-containerregistry merges the fallback tag sha256-<hex> where the
// registry has no referrers API.

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/trust"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
)

// emptyType is the type of a configuration that says nothing: {}.
const emptyType = "application/vnd.oci.empty.v1+json"

// attachBundle signs the image's digest, whatever tags lead to it.
func attachBundle(ctx context.Context, k key, repository *registry.Repository, image trust.Image) error {
	content, err := k.state(image, bundle.SignPredicate, nil)
	if err != nil {
		return err
	}
	_, err = putBundle(ctx, repository, image, bundle.SignPredicate, content)
	return err
}

// putBundle puts a bundle beside the image and answers its referrer's digest.
func putBundle(ctx context.Context, repository *registry.Repository, image trust.Image, predicateType string, content []byte) (string, error) {
	var (
		subject       *v1.Descriptor
		config, layer v1.Descriptor
	)
	all, each := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		if subject, err = remote.Head(repository.Name.Digest(image.Digest), repository.Options(each)...); err != nil {
			return fmt.Errorf("look at the image: %w", err)
		}
		return nil
	})
	all.Go(func() (err error) {
		config, err = upload(each, repository, []byte("{}"), emptyType)
		return err
	})
	all.Go(func() (err error) {
		layer, err = upload(each, repository, content, bundle.MediaType)
		return err
	})
	if err := all.Wait(); err != nil {
		return "", err
	}
	return putReferrer(ctx, repository, v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  bundle.MediaType,
		Config:        config,
		Layers:        []v1.Descriptor{layer},
		Subject:       &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
		// They let readers choose without fetching the bundle.
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": predicateType,
		},
	})
}

func upload(ctx context.Context, repository *registry.Repository, content []byte, mediaType types.MediaType) (v1.Descriptor, error) {
	layer := static.NewLayer(content, mediaType)
	if err := remote.WriteLayer(repository.Name, layer, repository.Options(ctx)...); err != nil {
		return v1.Descriptor{}, fmt.Errorf("upload a blob of type %s: %w", mediaType, err)
	}
	digest, err := layer.Digest()
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("upload a blob of type %s: %w", mediaType, err)
	}
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(content))}, nil
}

func putReferrer(ctx context.Context, repository *registry.Repository, manifest v1.Manifest) (string, error) {
	text, err := json.Marshal(manifest)
	if err != nil {
		return "", fmt.Errorf("encode the referrer: %w", err)
	}
	name := repository.Name.Digest(digest.FromBytes(text).String())
	if err := remote.Put(name, raw{text}, repository.Options(ctx)...); err != nil {
		return "", fmt.Errorf("upload the referrer: %w", err)
	}
	return name.DigestStr(), nil
}

// raw is a manifest as its bytes.
type raw struct{ text []byte }

func (r raw) RawManifest() ([]byte, error)      { return r.text, nil }
func (raw) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
