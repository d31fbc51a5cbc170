package pipeline

// How the image was built: the record as a signed statement, for those who do not have
// the manifest.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/api/record"
)

// attestProvenance signs a statement of how the pushed image was built.
func (b *build) attestProvenance(ctx context.Context) error {
	predicate, err := b.provenance(b.finalLog)
	if err != nil {
		return err
	}
	stated, err := b.attest(ctx, statement{api.AttestationProvenance, provenance.PredicateType, manifest.Provenance, "slsaprovenance1"}, predicate)
	if err != nil {
		return err
	}
	return b.note(func(r *record.Record) {
		r.Attestations = append(r.Attestations, stated)
	})
}

func (b *build) provenance(log *io.SectionReader) ([]byte, error) {
	logDigest, err := digestOf(io.NewSectionReader(log, 0, log.Size()))
	if err != nil {
		return nil, fmt.Errorf("read the build log: %w", err)
	}
	document, err := os.Open(filepath.Join(b.attestedPath(), manifest.SBOMDocument))
	if err != nil {
		return nil, fmt.Errorf("read the SBOM: %w", err)
	}
	defer document.Close()
	sbomDigest, err := digestOf(document)
	if err != nil {
		return nil, fmt.Errorf("read the SBOM: %w", err)
	}
	return provenance.Encode(provenanceOf(b.job.Record(), []provenance.Resource{
		{Name: provenance.NameLog, Digest: logDigest, MediaType: "text/plain"},
		{Name: provenance.NameSBOM, Digest: sbomDigest, MediaType: "application/spdx+json"},
		{Name: provenance.NameManifest, URI: manifest.SignedName(manifest.Name(b.buildName()))},
	}))
}

func digestOf(r io.Reader) (map[string]string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return nil, err
	}
	return map[string]string{provenance.SHA256: hex.EncodeToString(hash.Sum(nil))}, nil
}

// provenanceOf returns the record as a predicate. It contains nothing that the record
// does not, and so no secret.
func provenanceOf(r record.Record, byproducts []provenance.Resource) provenance.Predicate {
	versions := maps.Clone(r.Tools)
	delete(versions, toolBuilder)
	delete(versions, toolFallback)
	delete(versions, toolPlatform)
	return provenance.Predicate{
		BuildDefinition: provenance.BuildDefinition{
			BuildType:            provenance.BuildType,
			ExternalParameters:   r.Parameters,
			InternalParameters:   internalParameters(r),
			ResolvedDependencies: dependencies(r),
		},
		RunDetails: provenance.RunDetails{
			Builder:    provenance.Builder{ID: provenance.BuilderID(r.Enclave), Version: versions},
			Metadata:   provenance.Metadata{InvocationID: r.BuildName, StartedOn: r.Started, FinishedOn: r.Finished},
			Byproducts: byproducts,
		},
	}
}

// internalParameters returns what the server and its operator decided.
func internalParameters(r record.Record) map[string]string {
	parameters := map[string]string{"builder": r.Tools[toolBuilder], "platform": r.Tools[toolPlatform]}
	if reason := r.Tools[toolFallback]; reason != "" {
		parameters["builder_fallback"] = reason
	}
	for name, value := range r.BuildArgs {
		parameters[provenance.OperatorArgument+name] = value
	}
	for _, anchor := range r.OperatorAnchors {
		parameters[provenance.OperatorAnchor+anchor.Name] = anchor.SHA256
	}
	return parameters
}

// dependencies returns the sources, images and downloads that the build used.
func dependencies(r record.Record) []provenance.Resource {
	taken := []provenance.Resource{{
		Name:   provenance.NameSource,
		URI:    gitURI(r.SourceURL()),
		Digest: map[string]string{provenance.GitCommit: r.Commit},
	}}
	for _, submodule := range r.Submodules {
		taken = append(taken, provenance.Resource{
			Name:        provenance.NameSubmodule,
			URI:         gitURI(submodule.URL),
			Digest:      map[string]string{provenance.GitCommit: submodule.Commit},
			Annotations: map[string]string{"path": submodule.Path},
		})
	}
	for _, base := range r.BaseImages {
		resource := provenance.Resource{Name: provenance.NameBase, URI: "oci://" + base.Reference, Annotations: verification(base)}
		if algorithm, digest, known := strings.Cut(base.Digest, ":"); known {
			resource.Digest = map[string]string{algorithm: digest}
		}
		taken = append(taken, resource)
	}
	for _, download := range r.Downloads {
		algorithm, digest, _ := strings.Cut(download.Digest, ":")
		if algorithm == "sha1" {
			algorithm = provenance.GitCommit
		}
		taken = append(taken, provenance.Resource{Name: provenance.NameDownload, URI: download.URL, Digest: map[string]string{algorithm: digest}})
	}
	return taken
}

// verification returns how a base image was verified, and that its digest is not
// known when it is not.
func verification(base record.BaseImage) map[string]string {
	annotations := map[string]string{}
	for name, value := range map[string]string{"method": base.Method, "key_id": base.KeyID} {
		if value != "" {
			annotations[name] = value
		}
	}
	if base.Digest == "" {
		annotations["digest"] = "not known: the builder did not report it"
	}
	return annotations
}

// gitURI returns a repository's address as a URI (the form is in spdx-spec 2.3, section
// 7.7): scp's user@host:path becomes ssh://user@host/path.
func gitURI(address string) string {
	if strings.Contains(address, "://") {
		return "git+" + address
	}
	host, path, _ := strings.Cut(address, ":")
	return "git+ssh://" + host + "/" + strings.TrimPrefix(path, "/")
}
