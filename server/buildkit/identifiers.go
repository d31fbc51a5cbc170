package buildkit

// Identifiers of sources, as BuildKit's solver writes them: a scheme, "://", and a name.

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/server/builder"
)

const (
	imageScheme = "docker-image://"
	localScheme = "local://"
	gitScheme   = "git://"
)

// isLocal reports whether a source is a folder of this build: the session hands out the
// context and the folder of the Dockerfile, and nothing else.
func isLocal(op *pb.SourceOp) bool { return strings.HasPrefix(op.GetIdentifier(), localScheme) }

// sourceOf returns the source that an operation of the solver uses.
func sourceOf(op *pb.SourceOp) (builder.Source, error) {
	identifier := op.GetIdentifier()
	switch {
	case identifier == "":
		return builder.Source{}, errors.New("BuildKit asks about a source without a name")
	case strings.HasPrefix(identifier, imageScheme):
		named, err := imageReference(identifier)
		if err != nil {
			return builder.Source{}, err
		}
		return builder.Source{Kind: builder.SourceImage, Name: named.String()}, nil
	case strings.HasPrefix(identifier, "http://"), strings.HasPrefix(identifier, "https://"):
		return builder.Source{Kind: builder.SourceHTTP, Name: identifier}, nil
	case strings.HasPrefix(identifier, gitScheme):
		return gitSource(op), nil
	default:
		return builder.Source{Kind: builder.SourceOther, Name: identifier}, nil
	}
}

// imageReference reads an identifier of an image. BuildKit's own frontend writes full
// names. Any other could mean one image to the solver and another to Request.Decide.
func imageReference(identifier string) (reference.Named, error) {
	name := strings.TrimPrefix(identifier, imageScheme)
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, fmt.Errorf("the image reference %.500q: %w", name, err)
	}
	if named.String() != name {
		return nil, fmt.Errorf("the image reference %.500q is not the full one, %q", name, named)
	}
	return named, nil
}

// gitSource names a repository by its full URL, which the identifier has without its
// protocol, and what is checked out of it.
func gitSource(op *pb.SourceOp) builder.Source {
	name := op.GetIdentifier()
	if full := op.GetAttrs()[pb.AttrFullRemoteURL]; full != "" {
		_, part, found := strings.Cut(name, "#")
		name, _, _ = strings.Cut(full, "#")
		if found {
			name += "#" + part
		}
	}
	return builder.Source{Kind: builder.SourceGit, Name: name}
}

// replaceImage names an image by a digest. The tag stays: the record of the build has it.
func replaceImage(op *pb.SourceOp, decided string) (*pb.SourceOp, error) {
	want, err := digest.Parse(decided)
	if err != nil {
		return nil, fmt.Errorf("it was decided by %.100q, which is not a digest: %w", decided, err)
	}
	named, err := imageReference(op.GetIdentifier())
	if err != nil {
		return nil, err
	}
	if digested, ok := named.(reference.Digested); ok {
		if digested.Digest() != want {
			return nil, fmt.Errorf("the Dockerfile names another digest than %s, which was decided", want)
		}
		return nil, nil //nolint:nilnil // nothing to replace
	}
	return &pb.SourceOp{Identifier: op.GetIdentifier() + "@" + want.String(), Attrs: op.GetAttrs()}, nil
}

// replaceHTTP requires a digest of the content.
func replaceHTTP(op *pb.SourceOp, decided string) (*pb.SourceOp, error) {
	want, err := digest.Parse(decided)
	if err != nil {
		return nil, fmt.Errorf("it was decided by %.100q, which is not a digest: %w", decided, err)
	}
	switch op.GetAttrs()[pb.AttrHTTPChecksum] {
	case want.String():
		return nil, nil //nolint:nilnil // nothing to replace
	case "":
		return withAttr(op, pb.AttrHTTPChecksum, want.String()), nil
	default:
		return nil, fmt.Errorf("the Dockerfile names another digest than %s, which was decided", want)
	}
}
