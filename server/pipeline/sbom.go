package pipeline

// What the image holds: looked for in the archive of the image itself, while it
// is pushed, and stated as an SPDX document.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/sbom"
)

// maxImage bounds the archive of an image that is looked through, in bytes.
const maxImage = 64 << 30

// lookThrough takes an inventory of the built image. The archive lies on the
// volume meanwhile, never in memory.
func (b *build) lookThrough(ctx context.Context) (sbom.Inventory, error) {
	archive := filepath.Join(b.work, "image.tar")
	err := b.saveImage(ctx, archive)
	var found sbom.Inventory
	if err == nil {
		found, err = b.LookThrough(ctx, archive, b.work)
	}
	if err := errors.Join(err, os.RemoveAll(archive)); err != nil {
		return sbom.Inventory{}, attempt(commandLine("docker", "sbom", "--format", "spdx-json", b.references()[0]), err)
	}
	b.log.Info("found %d packages in the image", len(found.Packages))
	for _, file := range found.Unread {
		b.log.Info("could not look into %s: %s", file.Path, file.Reason)
	}
	return found, nil
}

func (b *build) saveImage(ctx context.Context, name string) (err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("save the image: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return b.withProgress(ctx, peerEngine, func(ctx context.Context) error {
		return b.engine.Save(ctx, b.references()[0], file, maxImage)
	})
}

// attestSBOM states what was found in the pushed image.
func (b *build) attestSBOM(ctx context.Context, found sbom.Inventory) (record.Attestation, error) {
	document, err := sbom.Document(sbom.Image{
		Repository: b.parameters.Repository(),
		Tag:        b.tags()[0],
		Digest:     b.pushed.Digest,
		Created:    b.job.Record().Started,
		Tool:       "sbs-server-" + b.Version,
	}, found)
	if err == nil {
		err = b.keepAttested(manifest.SBOMDocument, document)
	}
	if err != nil {
		return record.Attestation{}, attempt(commandLine("docker", "sbom", "--format", "spdx-json", b.references()[0]), err)
	}
	return b.attest(ctx, statement{api.AttestationSBOM, sbom.PredicateType, manifest.SBOM, "spdxjson"}, document)
}
