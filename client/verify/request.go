package verify

// The request: what is verified, against what, and where it is read from.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/signature"
)

// Request is everything that one run reads. Run does not change it.
type Request struct {
	// Reference is the image. Its repository is the trust file's, or a mirror of that.
	Reference signature.Reference
	// MirrorOf is the repository of which Reference is a copy; empty: it is none,
	// unless the trust file has it among its mirrors.
	MirrorOf string
	// Access is the account and the CA certificates for its registry.
	Access signature.Access
	// Origin is the account for the notary server of an image that is read from a
	// mirror: the mirror's account is not sent there.
	Origin signature.Access
	Trust  Trust
	// Lookaside is where simple signatures are stored: an absolute path or a URL;
	// empty: in the registry, or where Server keeps them.
	Lookaside string
	// Manifest is the path of a signed manifest (manifest.Ending); empty: Server's.
	Manifest string
	// Server has the manifest and the simple signatures where the fields above name
	// none; nil: no server is contacted. BuildName is the build whose manifest is
	// read; empty: the latest that succeeded.
	Server    Server
	BuildName string
	// AllowSimulated accepts what a simulated enclave signed.
	AllowSimulated bool
	// Skip are the parts that are not checked: the signing methods, PartManifest,
	// PartProvenance and PartSBOM.
	Skip []string
}

// Server is the build server, as package client has it. Nothing that it returns is
// trusted before its signature was verified.
type Server interface {
	// SaveManifest writes the signed manifest of a build into folder.
	SaveManifest(ctx context.Context, buildName, folder string) (name, path string, err error)
	ImageConfig(ctx context.Context) (api.ImageConfig, error)
	// SaveSignatures writes the simple signatures of the latest image into folder.
	SaveSignatures(ctx context.Context, folder string) ([]string, error)
}

// Mirrored reports whether the image is read from another repository than the one
// that its signatures must name.
func (r Request) Mirrored() bool { return r.Reference.Repository != r.Trust.Repository }

// validate rejects requests without a meaningful verdict.
func (r Request) validate() error {
	if err := r.Reference.Validate(); err != nil {
		return err
	}
	if err := r.Trust.Check(); err != nil {
		return fmt.Errorf("trust file: %w", err)
	}
	if err := r.checkRepository(); err != nil {
		return err
	}
	return r.CheckSkip()
}

// CheckSkip returns an error when Skip names an unknown part, or leaves nothing to
// check.
func (r Request) CheckSkip() error {
	for _, part := range r.Skip {
		if !slices.Contains(parts(), part) {
			return advice.New(fmt.Errorf("unknown check %.50q to skip", part), "skip one of "+strings.Join(parts(), ", "))
		}
	}
	if !slices.ContainsFunc(checks(), func(c check) bool { return c.part != "" && r.skipReason(c.part) == "" }) {
		return advice.Coded(errors.New("nothing is left to check"), NothingToCheck)
	}
	return nil
}

// OtherRepositoryError means that the trust file is not for the image's repository.
type OtherRepositoryError struct {
	Trusted string // repository of the trust file
	Named   string // repository of the image, or its original, if it is in a mirror
	Mirror  bool   // whether the image could be a copy of one of Trusted
}

func (e *OtherRepositoryError) Error() string {
	return fmt.Sprintf("the trust file is for %s, not for %s", e.Trusted, e.Named)
}

// checkRepository rejects an image of a repository that neither the trust file nor
// the request allows.
func (r Request) checkRepository() error {
	switch {
	case r.MirrorOf != "" && r.MirrorOf != r.Trust.Repository:
		return &OtherRepositoryError{Trusted: r.Trust.Repository, Named: r.MirrorOf}
	case !r.Mirrored(), r.MirrorOf != "", slices.Contains(r.Trust.Mirrors, r.Reference.Repository):
		return nil
	}
	return &OtherRepositoryError{Trusted: r.Trust.Repository, Named: r.Reference.Repository, Mirror: true}
}

// skipReason returns why the checks of a part are not made; empty: they are.
func (r Request) skipReason(part string) string {
	switch {
	case slices.Contains(r.Skip, part):
		return "left out"
	case part != "" && !r.Trust.hasKey(part):
		return "the trust file has no key for it"
	}
	return ""
}
