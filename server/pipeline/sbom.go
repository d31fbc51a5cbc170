package pipeline

// What the image holds: scanned in the archive that is pushed from, at the same
// time, and stated as an SPDX document.

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/sbom"
)

// maxImage bounds the archive of an image that is looked through, in bytes.
const maxImage = 64 << 30

// lookThrough takes an inventory of the image in the archive.
func (b *build) lookThrough(ctx context.Context, archive string) (sbom.Inventory, error) {
	found, err := b.LookThrough(ctx, archive, b.work)
	if err != nil {
		return sbom.Inventory{}, attempt(b.sbomCommand(), err)
	}
	b.log.Info("found %d packages in the image", len(found.Packages))
	if found.Complete() {
		return found, nil
	}
	for _, file := range found.Unread {
		b.log.Warning("could not read %s, which is named like a package: %s", file.Path, file.Reason)
	}
	unread := len(found.Unread) + found.UnreadLeftOut
	b.log.Warning("the bill of materials has gaps: %d files could not be read, %d packages are left out", unread, found.PackagesLeftOut)
	if b.parameters.SBOMIncomplete == "fail" {
		return sbom.Inventory{}, attempt(b.sbomCommand(), fmt.Errorf("the bill of materials has gaps (%d files could not be read, %d packages are left out; the log names them): correct the files, or set SBOM_INCOMPLETE to allow", unread, found.PackagesLeftOut))
	}
	return found, nil
}

// saveImage writes the built image into a file on the volume: it is never in
// memory.
func (b *build) saveImage(ctx context.Context, name string) (err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = b.withProgress(ctx, peerEngine, func(ctx context.Context) error {
			return b.engine.Save(ctx, b.references()[0], file, maxImage)
		})
		err = errors.Join(err, file.Close())
	}
	return attempt(commandLine("docker", "save", b.references()[0]), err)
}

func (b *build) sbomCommand() string {
	return commandLine("docker", "sbom", "--format", "spdx-json", b.references()[0])
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
		return record.Attestation{}, attempt(b.sbomCommand(), err)
	}
	return b.attest(ctx, statement{api.AttestationSBOM, sbom.PredicateType, manifest.SBOM, "spdxjson"}, document)
}
