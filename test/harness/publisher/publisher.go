package publisher

// The vendor's registry with its signed images.

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/harness/registry"
)

// tag is the tag of every image.
const tag = "1"

// Base is a signed base image.
type Base struct {
	// Method is the signing method: api.SigningDCT, api.SigningSimple or
	// api.SigningSigstore.
	Method string
	// Image is its reference with the tag, and Digest the digest of the tag.
	Image, Digest string
	// Key is the public key that verifies it, in the format of BASE_IMAGE_POLICY:
	// the base64 of a PEM certificate for dct, armoured OpenPGP for simple, PEM for
	// sigstore. KeyID is its id in that method.
	Key, KeyID string
}

// Vendor is a running registry with signed base images in it.
type Vendor struct {
	Registry *registry.Server
	// Bases are the images, one of each method.
	Bases []Base
}

// Start starts the vendor's registry, which stores its files in dir, and pushes
// image once for each signing method, signed; the trust data is published to the
// notary server. ctx bounds the start only. Close stops the registry.
func Start(ctx context.Context, dir string, image v1.Image, notary *notaryserver.Server) (*Vendor, error) {
	server, err := registry.Start(ctx, dir, registry.WithSignatures)
	if err != nil {
		return nil, fmt.Errorf("start the vendor's registry: %w", err)
	}
	v := &Vendor{Registry: server}
	keys := store{}
	for _, signer := range []struct {
		method string
		sign   func(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error)
	}{
		{api.SigningDCT, dct.New(keys).Sign},
		{api.SigningSimple, signSimple},
		{api.SigningSigstore, sigstore.New(keys).Sign},
	} {
		base, err := v.publish(ctx, image, notary, signer.method, signer.sign)
		if err != nil {
			err = fmt.Errorf("publish a base image signed with %s: %w", signer.method, err)
			return nil, errors.Join(err, v.Close(context.WithoutCancel(ctx)))
		}
		v.Bases = append(v.Bases, base)
	}
	return v, nil
}

// Close stops the registry. It waits for running requests until ctx ends.
func (v *Vendor) Close(ctx context.Context) error { return v.Registry.Close(ctx) }

// publish pushes the image to the repository of one signing method, and signs it.
func (v *Vendor) publish(ctx context.Context, image v1.Image, notary *notaryserver.Server, method string,
	sign func(context.Context, signing.Request, io.Writer) (signing.PublicKey, error)) (Base, error) {
	repository := "vendor/" + method + "/busybox"
	if err := v.Registry.Push(ctx, repository+":"+tag, image); err != nil {
		return Base{}, err
	}
	digest, err := image.Digest()
	if err != nil {
		return Base{}, err
	}
	size, err := image.Size()
	if err != nil {
		return Base{}, err
	}
	pushed := signing.Image{Repository: v.Registry.Address() + "/" + repository, Tags: []string{tag}, Digest: digest.String(), Size: size}
	writer := v.Registry.Writer()
	key, err := sign(ctx, signing.Request{
		Image: pushed, Account: api.RegistryAccount{User: writer.User, Password: api.Secret(writer.Password)}, CABundle: notary.CABundle(), Notary: notary.URL(),
	}, io.Discard)
	if err != nil {
		return Base{}, err
	}
	return Base{Method: method, Image: pushed.Repository + ":" + tag, Digest: pushed.Digest, Key: key.Key, KeyID: key.ID}, nil
}
