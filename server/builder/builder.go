package builder

import (
	"context"
	"errors"
	"time"

	"github.com/opensbs/sbs/api"
)

var (
	// ErrUnreachable means that the builder does not reply.
	ErrUnreachable = errors.New("the builder does not reply")

	// ErrUnauthorized means that a registry refused the credentials for a base
	// image, or that they do not allow the operation.
	ErrUnauthorized = errors.New("the registry refused the credentials")

	// ErrStopped means that the builder ended, or was restarted, during the build.
	ErrStopped = errors.New("the builder ended during this build")

	// ErrTooLarge means that an image has more bytes than the request allows.
	ErrTooLarge = errors.New("the image is too large")
)

// Version describes a builder, for the record of a build.
type Version struct {
	Builder string // "buildkitd", or "buildkit" or "classic" of a Docker Engine
	OS      string // operating system of the images that it builds, for example "linux"
	Arch    string // their architecture, as Go spells it, for example "s390x"

	// Tools are the versions of its parts, by the names that the record gives them,
	// for example "buildkit": "v0.34.2".
	Tools map[string]string

	// Fallback is why a less capable builder was chosen, or empty.
	Fallback string

	// ReportsSources means that each image that a build used is reported with its
	// digest. Base images can't be verified without it.
	ReportsSources bool

	// EnforcesPolicy means that the builder calls Request.Decide for every source. It
	// needs no Dockerfile that was checked or rewritten before.
	EnforcesPolicy bool
}

// Request has what a build may use, and where its image is written.
type Request struct {
	// ContextDir is the absolute path of the build context, Dockerfile that of the
	// Dockerfile, which may be outside the context. Neither may contain a symbolic
	// link: the caller resolves links within what it cloned.
	ContextDir string
	Dockerfile string

	Args map[string]string // values for the Dockerfile's ARG instructions
	Tags []string          // "host/repository:tag", at least one: the image's names

	// Accounts are those of the registries of base images. Any other registry is
	// accessed anonymously.
	Accounts []api.RegistryAccount

	// Committed is the time of the commit that is built. A reproducible builder sets
	// the times of the context, of new layers and of the image to it.
	Committed time.Time

	// Decide is called for each source from outside before it is used, by several
	// goroutines at once, if the builder enforces policies. Nil allows every source.
	Decide func(ctx context.Context, source Source) (Decision, error)

	Archive string // path of the file that the image is written to; see Image
	MaxSize int64  // bytes of that file; a larger image is ErrTooLarge
}

// Kinds of sources.
const (
	SourceImage = "image" // Name is its full reference: "docker.io/library/alpine:3.20", with "@sha256:…" if the Dockerfile names a digest
	SourceHTTP  = "http"  // Name is the URL of an ADD instruction
	SourceGit   = "git"   // Name is the URL of a repository that ADD clones
	SourceOther = "other" // Name is BuildKit's identifier
)

// Source is an external input that a build requests: in FROM, in COPY --from, in a
// mount, in an ONBUILD trigger, in ADD, or as the Dockerfile's frontend.
type Source struct {
	Kind string
	Name string
}

// Decision is the reply about a source: it is refused unless Allow is true.
type Decision struct {
	Allow bool

	// Digest is that of the manifest of an image, or of the content of a file
	// (SourceHTTP), that is used, whatever the name leads to: "sha256:…". It is empty for
	// what the name leads to. For other sources it must be empty.
	Digest string

	Reason string // why it is refused, for the person who wrote the Dockerfile
}

// Image is the result of a build. The image is in the file Request.Archive, in the
// form that docker save writes: manifest.json, the configuration, and the layers,
// either as tar files or compressed with gzip.
type Image struct {
	Base []BaseImage // each once, sorted by reference and digest

	// Downloads are the files and repositories that ADD fetched, each once, sorted by
	// URL and digest. Empty if the builder does not report them. What a RUN step
	// fetches is not in it.
	Downloads []Download

	// Remove removes what the build left in the builder. It is never nil if the build
	// succeeded, and may be called while the image's archive is in use.
	Remove func(ctx context.Context) error
}

// BaseImage is an image from outside that a build used.
type BaseImage struct {
	// Reference is the image's full name, with its tag if it was named by tag:
	// "docker.io/library/alpine:3.20".
	Reference string

	// Digest is the manifest digest that the builder reported to have used, or empty
	// if it reported none. It is never looked up afterwards.
	Digest string
}

// Download is a file or a git repository that ADD fetched.
type Download struct {
	URL    string
	Digest string // "sha256:…" of the file, or "sha1:…" of the repository's commit
}
