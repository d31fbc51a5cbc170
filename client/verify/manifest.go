package verify

// The signed manifest, and the build record in it.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/client/sourcecheck"
)

func openManifest(ctx context.Context, a *audit) (string, error) {
	if a.Manifest == "" {
		return "", &missingError{"none was given: name its file with --manifest, or the server's configuration with --env, or leave it out with --skip " + PartManifest}
	}
	key, err := signedmanifest.ParsePublicKey([]byte(a.Trust.Manifest.Key))
	if err != nil {
		return "", err
	}
	contents, err := signedmanifest.Read(ctx, a.Manifest, key, a.scratch)
	if err != nil {
		return "", err
	}
	a.contents = contents
	return fmt.Sprintf("%s, signed by the key %s", contents.Name, a.Trust.Manifest.ID), nil
}

func checkRecord(_ context.Context, a *audit) (string, error) {
	var err error
	if a.record, err = record.Decode(a.contents.Summary.Record); err != nil {
		return "", fmt.Errorf("data/%s: %w", manifest.Record, err)
	}
	r := a.record
	switch {
	case r.Status != api.StatusSuccess:
		return "", fmt.Errorf("the build ended with %q", r.Status)
	case manifest.Name(r.BuildName) != a.contents.Name:
		return "", fmt.Errorf("it is of the build %q, the manifest is called %s", r.BuildName, a.contents.Name)
	case r.Repository != a.Trust.Repository:
		return "", fmt.Errorf("it is of an image of %q", r.Repository)
	case r.ImageDigest != a.digest:
		return "", fmt.Errorf("it is of another image, %s", r.ImageDigest)
	}
	found := "build " + r.BuildName + " made " + r.ImageDigest
	if len(r.SandboxMissing) > 0 {
		found += "; the server's machine confined what reads Dockerfiles and images without " + strings.Join(r.SandboxMissing, ", and without ")
	}
	return found, nil
}

// checkCommitID is about the manifest alone: the record in it and the files in
// it mean the same commit.
func checkCommitID(_ context.Context, a *audit) (string, error) {
	if a.contents.SourceErr != nil {
		return "", fmt.Errorf("git/: %w", a.contents.SourceErr)
	}
	recorded, err := record.Decode(a.contents.Summary.Record)
	if err != nil {
		return "", fmt.Errorf("data/%s: %w", manifest.Record, err)
	}
	source := a.contents.Source
	if source.Commit != recorded.Commit {
		return "", fmt.Errorf("the files make the commit %s, the record has %q", source.Commit, recorded.Commit)
	}
	var cloned, listed []string
	for _, s := range source.Submodules {
		if s.Cloned {
			cloned = append(cloned, s.Path+" at "+s.Commit)
		}
	}
	for _, s := range recorded.Submodules {
		listed = append(listed, s.Path+" at "+s.Commit)
	}
	slices.Sort(cloned)
	slices.Sort(listed)
	if !slices.Equal(cloned, listed) {
		return "", fmt.Errorf("the submodules are %q, the record has %q", cloned, listed)
	}
	found := fmt.Sprintf("%s, computed from %d objects and compared with %d files", source.Commit, source.Objects, source.Files)
	if source.LFS > 0 {
		found += fmt.Sprintf("; %d files are LFS objects, each checked against its pointer", source.LFS)
	}
	return found + tagText(source.Tag), nil
}

// tagText describes the tag that was built; empty if none was.
func tagText(tag sourcecheck.Tag) string {
	switch {
	case tag.Name == "":
		return ""
	case tag.Object == "":
		return fmt.Sprintf("; the tag %q leads to it", tag.Name)
	}
	return fmt.Sprintf("; the tag %q leads to it by the annotated tag %s, which has the name %q; whether that is signed was not checked: git verify-tag does it",
		tag.Name, tag.Object, tag.Annotated)
}

func checkLogDigest(_ context.Context, a *audit) (string, error) {
	log, ok := a.provenance.Byproduct(provenance.NameLog)
	if !ok {
		return "", errors.New("the provenance does not name a log")
	}
	got := fmt.Sprintf("%x", a.contents.Summary.Data[manifest.Log])
	if want := log.Digest[provenance.SHA256]; got != want {
		return "", fmt.Errorf("its SHA-256 is %s, the provenance has %s", got, want)
	}
	return "sha256:" + got, nil
}

// checkBaseImages reports the images in the record, which must be those in the
// provenance where there is one.
func checkBaseImages(_ context.Context, a *audit) (string, error) {
	if a.passed[checkProvenance] {
		if err := a.sameBases(); err != nil {
			return "", err
		}
	}
	if len(a.record.BaseImages) == 0 {
		return "none", nil
	}
	var verified, not, unknown []string
	for _, base := range a.record.BaseImages {
		if base.Digest == "" {
			unknown = append(unknown, base.Reference)
			continue
		}
		if base.Method == "" {
			not = append(not, base.Reference)
			continue
		}
		how := base.Method
		if base.KeyID != "" { // a digest that the policy names has none
			how += ", key " + base.KeyID
		}
		verified = append(verified, fmt.Sprintf("%s (%s)", base.Reference, how))
	}
	var found []string
	if len(verified) > 0 {
		found = append(found, "verified: "+strings.Join(verified, ", "))
	}
	if len(not) > 0 {
		found = append(found, "NOT verified, only recorded: "+strings.Join(not, ", "))
	}
	if len(unknown) > 0 {
		found = append(found, "digest NOT KNOWN, for the builder did not report it: "+strings.Join(unknown, ", "))
	}
	return strings.Join(found, "; "), nil
}

// sameBases compares the images of the record with those of the provenance.
func (a *audit) sameBases() error {
	var recorded, stated []string
	for _, base := range a.record.BaseImages {
		recorded = append(recorded, base.Reference+"@"+strings.TrimPrefix(base.Digest, "sha256:"))
	}
	for _, dependency := range a.provenance.BuildDefinition.ResolvedDependencies {
		if dependency.Name == provenance.NameBase {
			stated = append(stated, strings.TrimPrefix(dependency.URI, "oci://")+"@"+dependency.Digest[provenance.SHA256])
		}
	}
	slices.Sort(recorded)
	slices.Sort(stated)
	if !slices.Equal(slices.Compact(recorded), slices.Compact(stated)) {
		return fmt.Errorf("the record has the base images %q, the provenance %q", recorded, stated)
	}
	return nil
}
