package sigstore

// How a bundle is attached to an image: OCI image-spec 1.1, manifests with a
// subject.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/sigstore"
)

// emptyType is the type of an empty configuration: {}.
const emptyType = "application/vnd.oci.empty.v1+json"

// attachBundle signs the image's digest, whatever tags lead to it.
func attachBundle(ctx context.Context, k key, repository *registry.Repository, image signing.Image) error {
	content, err := k.state(image, bundle.SignPredicate, nil)
	if err != nil {
		return err
	}
	_, err = putBundle(ctx, repository, image, bundle.SignPredicate, content)
	return err
}

// putBundle attaches a bundle to the image, reads it back as a verifier does, and
// returns its referrer's digest.
func putBundle(ctx context.Context, repository *registry.Repository, image signing.Image, predicateType string, content []byte) (string, error) {
	var (
		subject       v1.Descriptor
		config, layer v1.Descriptor
	)
	all, each := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		subject, err = subjectOf(each, repository, image)
		return err
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
	digest, err := attach(ctx, repository, predicateType, v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  bundle.MediaType,
		Config:        config,
		Layers:        []v1.Descriptor{layer},
		Subject:       &subject,
	})
	if err != nil {
		return "", err
	}
	found, err := sigstore.Bundle(ctx, repository, image.Digest, digest)
	if err == nil && !bytes.Equal(found, content) {
		err = errors.New("it is not what was attached")
	}
	if err != nil {
		return "", fmt.Errorf("read back the referrer %s: %w", digest, err)
	}
	return digest, nil
}

// subjectOf is the image as its referrers name it. The registry is queried only for
// what is not known.
func subjectOf(ctx context.Context, repository *registry.Repository, image signing.Image) (subject v1.Descriptor, err error) {
	subject = v1.Descriptor{MediaType: types.MediaType(image.MediaType), Size: image.Size}
	if subject.Digest, err = v1.NewHash(image.Digest); err != nil {
		return subject, err
	}
	if image.MediaType != "" {
		return subject, nil
	}
	found, err := repository.Manifest(ctx, image.Digest)
	if err != nil {
		return subject, fmt.Errorf("get the image's manifest: %w", err)
	}
	subject.MediaType, subject.Size = types.MediaType(found.MediaType), int64(len(found.Text))
	return subject, nil
}

func upload(ctx context.Context, repository *registry.Repository, content []byte, mediaType types.MediaType) (v1.Descriptor, error) {
	blob := registry.BlobOf(content)
	if _, err := repository.PutBlob(ctx, blob); err != nil {
		return v1.Descriptor{}, err
	}
	digest, err := v1.NewHash(blob.Digest)
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: blob.Size}, err
}

func attach(ctx context.Context, repository *registry.Repository, predicateType string, manifest v1.Manifest) (string, error) {
	// They let readers choose without fetching the bundle.
	manifest.Annotations = map[string]string{
		"dev.sigstore.bundle.content":       "dsse-envelope",
		"dev.sigstore.bundle.predicateType": predicateType,
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return "", fmt.Errorf("encode the referrer: %w", err)
	}
	return repository.Attach(ctx, registry.Referrer{
		Subject:      manifest.Subject.Digest.String(),
		ArtifactType: manifest.ArtifactType,
		Annotations:  manifest.Annotations,
		Manifest:     text,
	})
}
