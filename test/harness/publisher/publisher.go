package publisher

// A vendor from its start to its end: registry, images, signatures.

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

// tag is that of every image.
const tag = "1"

// Base is a signed base image.
type Base struct {
	// Method is how it is signed: api.SigningDCT, api.SigningSimple or
	// api.SigningSigstore.
	Method string
	// Image is its name with the tag, and Digest where that leads.
	Image, Digest string
	// Key is the public key that verifies it, as BASE_IMAGE_POLICY takes it: the
	// base64 of a PEM certificate for dct, armoured OpenPGP for simple, PEM for
	// sigstore. KeyID is its id in that way of signing.
	Key, KeyID string
}

// Vendor is a running registry with signed base images in it.
type Vendor struct {
	Registry *registry.Server
	// Bases are the images: one of each kind.
	Bases []Base
}

// Start runs the vendor's registry, which keeps its files in dir, and puts image
// into it, signed; the trust data goes to the notary server. ctx bounds the
// start only. Close stops the registry.
func Start(ctx context.Context, dir string, image v1.Image, notary *notaryserver.Server) (*Vendor, error) {
	server, err := registry.Start(ctx, dir, registry.WithSignatures)
	if err != nil {
		return nil, fmt.Errorf("start the vendor's registry: %w", err)
	}
	v := &Vendor{Registry: server}
	keys := store{}
	for _, way := range []struct {
		method string
		sign   func(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error)
	}{
		{api.SigningDCT, dct.New(keys).Sign},
		{api.SigningSimple, signSimple},
		{api.SigningSigstore, sigstore.New(keys).Sign},
	} {
		base, err := v.offer(ctx, image, notary, way.method, way.sign)
		if err != nil {
			err = fmt.Errorf("offer a base image signed with %s: %w", way.method, err)
			return nil, errors.Join(err, v.Close(context.WithoutCancel(ctx)))
		}
		v.Bases = append(v.Bases, base)
	}
	return v, nil
}

// Close stops the registry; requests that run when ctx ends are cut off.
func (v *Vendor) Close(ctx context.Context) error { return v.Registry.Close(ctx) }

// offer puts the image into a repository for one way of signing, and signs it.
func (v *Vendor) offer(ctx context.Context, image v1.Image, notary *notaryserver.Server, method string,
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
