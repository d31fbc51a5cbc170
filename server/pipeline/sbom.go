package pipeline

// The packages of the image: found in the archive that is pushed, at the same time, and
// stated as an SPDX document.

import (
	"context"
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/sbom"
)

// scanImage lists the packages of the image in the archive.
func (b *build) scanImage(ctx context.Context) error {
	found, err := b.Scan(ctx, b.archivePath(), b.work)
	if err != nil {
		return b.sbomFailed(err)
	}
	b.log.Info("found %d packages in the image", len(found.Packages))
	b.inventory = found
	if found.Complete() {
		return nil
	}
	for _, file := range found.Unread {
		b.log.Warning("could not read %s, which is named like a package: %s", file.Path, file.Reason)
	}
	unread := len(found.Unread) + found.UnreadLeftOut
	b.log.Warning("the SBOM has gaps: %d files could not be read, %d packages are left out", unread, found.PackagesLeftOut)
	if b.parameters.SBOMIncomplete == "fail" {
		return b.sbomFailed(fmt.Errorf("the SBOM has gaps (%d files could not be read, %d packages are left out; the log names them): correct the files, or set SBOM_INCOMPLETE to allow", unread, found.PackagesLeftOut))
	}
	return nil
}

// attestSBOM states what was found in the image, as soon as it is pushed.
func (b *build) attestSBOM(ctx context.Context) error {
	select {
	case <-b.pushDone:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	document, err := sbom.Document(sbom.Image{
		Repository: b.parameters.Repository(),
		Tag:        b.tags()[0],
		Digest:     b.pushed.Digest,
		Created:    b.job.Record().Started,
		Tool:       "sbs-server-" + b.Version,
	}, b.inventory)
	if err == nil {
		err = b.keepAttested(manifest.SBOMDocument, document)
	}
	if err != nil {
		return b.sbomFailed(err)
	}
	b.stated, err = b.attest(ctx, statement{api.AttestationSBOM, api.PredicateSPDX, manifest.SBOM, "spdxjson"}, document)
	return err
}

func (b *build) sbomFailed(err error) error { return attempt(sbomCommand(b.references()[0]), err) }
