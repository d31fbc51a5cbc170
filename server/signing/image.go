package signing

// What is signed, and what is returned.

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// maxTags bounds what one signature run takes; a build has two.
const maxTags = 64

// Image is the image to sign: one manifest, and its tags.
type Image struct {
	// Repository is the full name, host[:port]/namespace/name, with docker.io
	// (and library, where there is no namespace) written out: the GUN of
	// Docker Content Trust.
	Repository string
	// Tags are the tags to sign, at least one.
	Tags []string
	// Digest is the manifest's, as sha256:<64 hex digits>.
	Digest string
	// Size is the manifest's, in bytes.
	Size int64
	// MediaType is the manifest's; where it is empty, the registry is queried.
	MediaType string
}

// PublicKey is a public key with the data that a verifier needs.
type PublicKey struct {
	// Method names the signing method: one of api.Signing*.
	Method string
	// ID is the key's name in that signing method.
	ID string
	// Key is the key's text in the form that verifiers of that method read.
	Key string
}

// Validate reports what is wrong with an image that no registry could hold.
func (i Image) Validate() error {
	name, err := reference.ParseNormalizedNamed(i.Repository)
	if err != nil {
		return fmt.Errorf("repository %q: %w", i.Repository, err)
	}
	if name.Name() != i.Repository {
		return fmt.Errorf("repository %q: write it out in full, without tag or digest: %s", i.Repository, name.Name())
	}
	if len(i.Tags) == 0 {
		return errors.New("no tag to sign")
	}
	if len(i.Tags) > maxTags {
		return fmt.Errorf("%d tags to sign, at most %d are taken", len(i.Tags), maxTags)
	}
	for _, tag := range i.Tags {
		if _, err := reference.WithTag(name, tag); err != nil {
			return fmt.Errorf("tag %q: %w", tag, err)
		}
	}
	if !strings.HasPrefix(i.Digest, digest.SHA256.String()+":") {
		return fmt.Errorf("digest %q: only sha256 is signed", i.Digest)
	}
	if err := digest.Digest(i.Digest).Validate(); err != nil {
		return fmt.Errorf("digest %q: %w", i.Digest, err)
	}
	if i.Size <= 0 {
		return fmt.Errorf("manifest size %d: a manifest has at least one byte", i.Size)
	}
	return nil
}
