package provenance

// The JSON form and the validation of predicates.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Bounds of a predicate.
const (
	// MaxSize is the maximum size of a predicate, in bytes.
	MaxSize      = 16 << 20
	maxResources = 10_000
)

// Encode returns the predicate as JSON: members in the order of the specification,
// keys of objects in byte order. It returns an error for an incomplete predicate.
func Encode(p Predicate) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("write provenance: %w", err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write provenance: %w", err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("write provenance: its %d bytes are more than readers accept (%d)", len(text), MaxSize)
	}
	return text, nil
}

// Parse decodes a predicate of this build type. Unknown members are an error: they
// could change the meaning of the others.
func Parse(text []byte) (Predicate, error) {
	if len(text) > MaxSize {
		return Predicate{}, fmt.Errorf("read provenance: it is longer than %d bytes", MaxSize)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var p Predicate
	if err := decoder.Decode(&p); err != nil {
		return Predicate{}, fmt.Errorf("read provenance: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Predicate{}, errors.New("read provenance: it has data after the JSON object")
	}
	if err := p.check(); err != nil {
		return Predicate{}, fmt.Errorf("read provenance: %w", err)
	}
	return p, nil
}

func (p Predicate) check() error {
	definition, run := p.BuildDefinition, p.RunDetails
	switch {
	case definition.BuildType != BuildType:
		return fmt.Errorf("its build type is %.200q, not %s", definition.BuildType, BuildType)
	case definition.ExternalParameters == nil:
		return errors.New("it has no externalParameters")
	case run.Builder.Enclave() == "":
		return fmt.Errorf("its builder %.200q is not a Secure Build Server", run.Builder.ID)
	case run.Metadata.InvocationID == "":
		return errors.New("it has no invocationId")
	case run.Metadata.StartedOn.IsZero() || run.Metadata.FinishedOn.Before(run.Metadata.StartedOn):
		return errors.New("it has no valid startedOn and finishedOn")
	}
	if err := checkResources(definition.ResolvedDependencies); err != nil {
		return fmt.Errorf("resolvedDependencies: %w", err)
	}
	if err := checkResources(run.Byproducts); err != nil {
		return fmt.Errorf("byproducts: %w", err)
	}
	if source, ok := p.Source(); !ok || source.URI == "" || source.Digest[GitCommit] == "" {
		return errors.New("it does not name the commit of its source")
	}
	return nil
}

// checkResources requires a digest of each resource but the manifest, which is made
// later, and of base images whose digest the builder did not report.
func checkResources(resources []Resource) error {
	if len(resources) > maxResources {
		return fmt.Errorf("%d are more than %d", len(resources), maxResources)
	}
	for _, r := range resources {
		if r.Name == "" {
			return errors.New("one has no name")
		}
		if mayLack := r.Name == NameManifest || r.Name == NameBase; len(r.Digest) == 0 && (!mayLack || r.URI == "") {
			return fmt.Errorf("%.200q has no digest", r.Name)
		}
		for algorithm, digest := range r.Digest {
			if raw, err := hex.DecodeString(digest); err != nil || len(raw) < 20 || algorithm == "" {
				return fmt.Errorf("the %.50q digest of %.200q is invalid", algorithm, r.Name)
			}
		}
	}
	return nil
}
