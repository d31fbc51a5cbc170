package provenance

// The members of the predicate, named as in the specification.

import (
	"slices"
	"strings"
	"time"
)

const (
	// PredicateType names the meaning of the predicate in a statement.
	PredicateType = "https://slsa.dev/provenance/v1"
	// BuildType says how to read externalParameters; it leads to the page that
	// describes them.
	BuildType = "https://github.com/opensbs/sbs/blob/main/docs/provenance.md#build-type-v1"

	// builders is what every builder id begins with; the kind of enclave ends it.
	builders = "https://github.com/opensbs/sbs/builder/"
)

// Names of resources: what each is to the build.
const (
	NameSource    = "source"    // the repository that was built
	NameSubmodule = "submodule" // a repository in it
	NameBase      = "base"      // an image that the build took from outside, frontends included

	NameLog      = "data/build.log"      // the log in the manifest
	NameSBOM     = "data/sbom.spdx.json" // the image's bill of materials in the manifest
	NameManifest = "manifest"            // the signed manifest, which holds this provenance and so can't be known by digest
)

// OperatorArgument begins the names of those internal parameters that are build
// arguments of the server's operator; the name of the argument follows.
const OperatorArgument = "build-arg:"

// Algorithms of digests.
const (
	GitCommit = "gitCommit" // a commit's id
	SHA256    = "sha256"
)

// Predicate says how one image was built.
type Predicate struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is what went in.
type BuildDefinition struct {
	BuildType string `json:"buildType"` // always BuildType
	// ExternalParameters are all that the developer said, by key of
	// docs/parameters.md, except for secrets.
	ExternalParameters map[string]any `json:"externalParameters"`
	// InternalParameters are what the server decided.
	InternalParameters map[string]string `json:"internalParameters,omitempty"`
	// ResolvedDependencies are what was fetched: the source first, then its
	// submodules, then the images.
	ResolvedDependencies []Resource `json:"resolvedDependencies"`
}

// RunDetails is how it went.
type RunDetails struct {
	Builder    Builder    `json:"builder"`
	Metadata   Metadata   `json:"metadata"`
	Byproducts []Resource `json:"byproducts"`
}

// Builder is who says so.
type Builder struct {
	ID      string            `json:"id"`                // see BuilderID
	Version map[string]string `json:"version,omitempty"` // of each of its parts
}

// Metadata tells builds apart.
type Metadata struct {
	InvocationID string    `json:"invocationId"` // the build's name
	StartedOn    time.Time `json:"startedOn"`    // UTC, like FinishedOn
	FinishedOn   time.Time `json:"finishedOn"`
}

// Resource is one thing that was taken in or put out: in-toto's
// ResourceDescriptor (in-toto/attestation, spec/v1/resource_descriptor.md).
type Resource struct {
	Name        string            `json:"name"` // one of the Name constants
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"` // hexadecimal, by algorithm
	MediaType   string            `json:"mediaType,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// BuilderID names the builder inside an enclave of that kind. It alone tells how
// far a provenance can be trusted: a simulated enclave's proves nothing to
// others, because whoever runs it has its keys.
func BuilderID(kind string) string { return builders + kind }

// Enclave is the kind of enclave that the builder's id names; empty when the id
// is none of BuilderID's.
func (b Builder) Enclave() string {
	kind, ours := strings.CutPrefix(b.ID, builders)
	if !ours {
		return ""
	}
	return kind
}

// Source is the repository that was built, with its commit.
func (p Predicate) Source() (Resource, bool) {
	return named(p.BuildDefinition.ResolvedDependencies, NameSource)
}

// Byproduct is the one of that name.
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
