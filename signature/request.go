package signature

// The request and the result of a verification.

import (
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/api"
)

// maxReference bounds a reference's text in bytes; a full one takes less.
const maxReference = 1024

// Request is which image to check, and as whom.
type Request struct {
	Reference Reference
	// SignedAs is the repository under whose name the image was signed, where
	// Reference is a copy of it in another one (a mirror). Everything is read where
	// Reference is, and judged as SignedAs. Empty: Reference's own repository.
	SignedAs string
	Access
}

// Name returns the name that a signature must have: the reference, in the
// repository under which the image was signed.
func (r Request) Name() Reference {
	name := r.Reference
	if r.SignedAs != "" {
		name.Repository = r.SignedAs
	}
	return name
}

// Validate returns an error for a request whose reference, or the name under which
// it was signed, names no image in full.
func (r Request) Validate() error {
	if err := r.Reference.Validate(); err != nil {
		return err
	}
	return r.Name().Validate()
}

// Access holds the settings of connections to a registry or a notary server.
type Access struct {
	// User and Password are sent only to a server that asks for them, or to the
	// token server that it names; both are empty for anonymous access.
	User     string
	Password api.Secret
	// IdentityToken is a refresh token, which is exchanged at the registry's token
	// server, and RegistryToken a bearer token that is sent as it is. docker login
	// and credential helpers store them instead of a password; they are for
	// registries, and go to no notary server.
	IdentityToken, RegistryToken api.Secret
	// CABundle holds PEM certificates of CAs that are trusted in addition to the
	// system's; it may be empty.
	CABundle []byte
	// Insecure are registries, as host[:port], that may be talked to without TLS
	// or with a certificate that nobody vouches for. For a laboratory only.
	Insecure []string
	// Progress is called whenever bytes went to a server or came from one; it may
	// be called from several goroutines at once. The caller that sets it bounds the waiting
	// by its context. Without it, a request that makes no progress for half a
	// minute ends.
	Progress func()
	// Notice gets a sentence when a server is busy and the request is retried
	// later; it may be nil.
	Notice func(text string)
}

// Reference is an image's name, written out in full.
type Reference struct {
	// Repository is host[:port]/namespace/name, docker.io (and library, where
	// there is no namespace) included: the GUN of Docker Content Trust.
	Repository string
	// Tag is empty where the image is named by digest alone.
	Tag string
	// Digest is sha256:<64 hex digits>, or empty.
	Digest string
}

// ParseReference reads a name as Dockerfiles and the docker command have it: a
// name without a host is on Docker Hub, one without tag and digest has the tag
// latest.
func ParseReference(text string) (Reference, error) {
	if len(text) > maxReference {
		return Reference{}, fmt.Errorf("an image's name of more than %d bytes", maxReference)
	}
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return Reference{}, fmt.Errorf("image %q: %w", text, err)
	}
	named = reference.TagNameOnly(named)
	r := Reference{Repository: named.Name()}
	if tagged, ok := named.(reference.Tagged); ok {
		r.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		r.Digest = digested.Digest().String()
	}
	return r, r.Validate()
}

// Validate reports what is wrong with a reference that names no image in full.
func (r Reference) Validate() error {
	named, err := reference.ParseNormalizedNamed(r.Repository)
	switch {
	case err != nil:
		return fmt.Errorf("repository %.200q: %w", r.Repository, err)
	case named.Name() != r.Repository:
		return fmt.Errorf("repository %.200q: write it out in full, without tag or digest: %s", r.Repository, named.Name())
	case r.Tag == "" && r.Digest == "":
		return errors.New("neither a tag nor a digest names the image in " + r.Repository)
	}
	if r.Tag != "" {
		if _, err := reference.WithTag(named, r.Tag); err != nil {
			return fmt.Errorf("tag %.200q: %w", r.Tag, err)
		}
	}
	if r.Digest != "" {
		if parsed := digest.Digest(r.Digest); parsed.Validate() != nil || parsed.Algorithm() != digest.SHA256 {
			return fmt.Errorf("digest %.200q is not sha256: and 64 hex digits", r.Digest)
		}
	}
	return nil
}

// String is the reference as it is typed.
func (r Reference) String() string {
	text := r.Repository
	if r.Tag != "" {
		text += ":" + r.Tag
	}
	if r.Digest != "" {
		text += "@" + r.Digest
	}
	return text
}

// Verified is the result of a check: that the key's owner signed the manifest with
// the digest under the requested name.
type Verified struct {
	// Reference is the requested one.
	Reference Reference
	// Digest is that of the manifest, sha256:<64 hex digits>: what to pull.
	Digest string
	// Method is the signing method: one of api.Signing*.
	Method string
	// KeyID names the key in that signing method: an OpenPGP fingerprint, the
	// SHA-256 of a public key, or the id of a root key.
	KeyID string
}
