package provenance

// The members of the predicate, named as in the specification.

import (
	"slices"
	"strings"
	"time"
)

const (
	// PredicateType is the predicate type in a statement.
	PredicateType = "https://slsa.dev/provenance/v1"
	// BuildType defines the meaning of externalParameters. It is the URL of the page
	// that documents them.
	BuildType = "https://github.com/opensbs/sbs/blob/main/docs/provenance.md#build-type-v1"

	// builders is the prefix of every builder id; the kind of enclave follows.
	builders = "https://github.com/opensbs/sbs/builder/"
)

// Names of resources: the role of each in the build.
const (
	NameSource    = "source"    // the repository that was built
	NameSubmodule = "submodule" // a submodule of it
	NameBase      = "base"      // an image that the build pulled, frontends included
	NameDownload  = "download"  // a file or a repository that ADD fetched

	NameLog      = "data/build.log"      // the log in the manifest
	NameSBOM     = "data/sbom.spdx.json" // the image's SBOM in the manifest
	NameManifest = "manifest"            // the signed manifest, which holds this provenance and so can't be known by digest
)

// OperatorArgument begins the names of those internal parameters that are build
// arguments of the server's operator; the name of the argument follows.
const OperatorArgument = "build-arg:"

// OperatorAnchor begins the names of those internal parameters that are keys or CAs
// of servers which the server's operator gave; the name of the environment value
// follows. Their values are the SHA-256 of the text, in hex.
const OperatorAnchor = "operator-anchor:"

// Algorithms of digests.
const (
	GitCommit = "gitCommit" // a commit's id
	SHA256    = "sha256"
)

// Predicate describes how one image was built.
type Predicate struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition holds the inputs of the build.
type BuildDefinition struct {
	BuildType string `json:"buildType"` // always BuildType
	// ExternalParameters are all parameters that the developer set, by key of
	// docs/parameters.md, except for secrets.
	ExternalParameters map[string]any `json:"externalParameters"`
	// InternalParameters are the values that the server chose.
	InternalParameters map[string]string `json:"internalParameters,omitempty"`
	// ResolvedDependencies are the artifacts that were fetched: the source first,
	// then its submodules, then the images.
	ResolvedDependencies []Resource `json:"resolvedDependencies"`
}

// RunDetails describes one execution of the build.
type RunDetails struct {
	Builder    Builder    `json:"builder"`
	Metadata   Metadata   `json:"metadata"`
	Byproducts []Resource `json:"byproducts"`
}

// Builder identifies the server that built the image and wrote the predicate.
type Builder struct {
	ID      string            `json:"id"`                // see BuilderID
	Version map[string]string `json:"version,omitempty"` // of each of its parts
}

// Metadata identifies the build.
type Metadata struct {
	InvocationID string    `json:"invocationId"` // the build's name
	StartedOn    time.Time `json:"startedOn"`    // UTC, like FinishedOn
	FinishedOn   time.Time `json:"finishedOn"`
}

// Resource is one input or output of the build: in-toto's
// ResourceDescriptor (in-toto/attestation, spec/v1/resource_descriptor.md).
type Resource struct {
	Name        string            `json:"name"` // one of the Name constants
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"` // hexadecimal, by algorithm
	MediaType   string            `json:"mediaType,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// BuilderID returns the id of the builder in an enclave of that kind. The id
// determines how far a provenance can be trusted: one from a simulated enclave
// proves nothing to others, because its operator has its keys.
func BuilderID(kind string) string { return builders + kind }

// Enclave returns the kind of enclave in the builder's id, or "" when the id was not
// made by BuilderID.
func (b Builder) Enclave() string {
	kind, ours := strings.CutPrefix(b.ID, builders)
	if !ours {
		return ""
	}
	return kind
}

// Source returns the repository that was built, with its commit.
func (p Predicate) Source() (Resource, bool) {
	return named(p.BuildDefinition.ResolvedDependencies, NameSource)
}

// Byproduct returns the byproduct of that name.
func (p Predicate) Byproduct(name string) (Resource, bool) {
	return named(p.RunDetails.Byproducts, name)
}

func named(resources []Resource, name string) (Resource, bool) {
	i := slices.IndexFunc(resources, func(r Resource) bool { return r.Name == name })
	if i < 0 {
		return Resource{}, false
	}
	return resources[i], true
}
