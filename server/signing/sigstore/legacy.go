package sigstore

// The older form: an image of signatures under the tag sha256-<hex>.sig
// (cosign's specs/SIGNATURE_SPEC.md), the one that podman and skopeo read.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/sigstore"
)

// creator has no version, so that a signature stays the same.
const creator = "sbs-server"

// legacyTries is the number of times that the tag is written while others write it
// too.
const legacyTries = 5

// addLegacy signs each tag of the image, keeps what others have signed, and reads
// it back as a verifier does.
func addLegacy(ctx context.Context, k key, repository *registry.Repository, image signing.Image) error {
	for try := 1; ; try++ {
		began := time.Now()
		written, err := putLegacy(ctx, k, repository, image)
		if err == nil && written {
			err = registry.AwaitOthers(ctx, time.Since(began))
		}
		if err != nil {
			return err
		}
		err = readLegacy(ctx, k, repository, image)
		var unsigned *signature.UnsignedError
		var other *signature.OtherKeyError
		if lost := errors.As(err, &unsigned) || errors.As(err, &other); !lost || try == legacyTries {
			return err
		}
	}
}

// readLegacy checks that each tag is signed.
func readLegacy(ctx context.Context, k key, repository *registry.Repository, image signing.Image) error {
	verifier := sigstore.Verifier{Key: k.public}
	for _, tag := range image.Tags {
		asked := signature.Reference{Repository: image.Repository, Tag: tag, Digest: image.Digest}
		if err := verifier.VerifyLegacy(ctx, repository, asked, image.Digest); err != nil {
			return fmt.Errorf("read back the signature of tag %s: %w", tag, err)
		}
	}
	return nil
}

// putLegacy adds the signatures that are missing, and reports whether there were any.
func putLegacy(ctx context.Context, k key, repository *registry.Repository, image signing.Image) (written bool, err error) {
	tag := repository.Name.Tag(sigstore.LegacyTag(image.Digest))
	found, err := remote.Image(tag, repository.Options(ctx)...)
	if registry.IsAbsent(err) {
		found, err = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), nil
	}
	if err != nil {
		return false, fmt.Errorf("get the signatures in tag %s: %w", tag.TagStr(), err)
	}
	signatures := found
	for _, imageTag := range image.Tags {
		if signatures, err = withLegacy(k, signatures, image.Repository+":"+imageTag, image.Digest); err != nil {
			return false, err
		}
	}
	if signatures == found {
		return false, nil
	}
	if err := write(ctx, repository, tag.TagStr(), signatures); err != nil {
		return false, fmt.Errorf("upload the signatures in tag %s: %w", tag.TagStr(), err)
	}
	return true, nil
}

// write uploads an image with all its parts, which are small.
func write(ctx context.Context, repository *registry.Repository, tag string, image v1.Image) error {
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := writeLayer(ctx, repository, layer); err != nil {
			return err
		}
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	if _, err := repository.PutBlob(ctx, registry.BlobOf(config)); err != nil {
		return err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}
	mediaType, err := image.MediaType()
	if err != nil {
		return err
	}
	return repository.PutManifest(ctx, tag, string(mediaType), manifest)
}

func writeLayer(ctx context.Context, repository *registry.Repository, layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	_, err = repository.PutBlob(ctx, registry.Blob{Digest: digest.String(), Size: size, Open: layer.Compressed})
	return err
}

// withLegacy adds the signature of one reference, if it is not there.
func withLegacy(k key, signatures v1.Image, reference, digest string) (v1.Image, error) {
	text, err := sigstore.LegacyClaim{Reference: reference, Digest: digest}.Encode(creator)
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(text)
	if err != nil {
		return nil, err
	}
	encoded := base64.StdEncoding.EncodeToString(signature)
	manifest, err := signatures.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the signatures there are: %w", err)
	}
	// Signatures are deterministic: the same one means the same payload.
	if slices.ContainsFunc(manifest.Layers, func(layer v1.Descriptor) bool { return layer.Annotations[sigstore.LegacyAnnotation] == encoded }) {
		return signatures, nil
	}
	return mutate.Append(signatures, mutate.Addendum{
		Layer:       static.NewLayer(text, sigstore.LegacyType),
		MediaType:   sigstore.LegacyType,
		Annotations: map[string]string{sigstore.LegacyAnnotation: encoded},
	})
}
