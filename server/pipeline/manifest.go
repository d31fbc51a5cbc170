package pipeline

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/volume"
)

// proveAndWriteManifest states how the image was built, writes the manifest, and
// moves the tags. The log of the manifest ends here, because the provenance names its digest.
func (b *build) proveAndWriteManifest(ctx context.Context) error {
	command := manifestCommand(b.buildName())
	key, err := b.key()
	if err != nil {
		return attempt(command, err)
	}
	err = b.note(func(r *record.Record) {
		r.ManifestKeyGen = api.ManifestKeySoftware
		r.ManifestPublicKey = manifest.Name(r.BuildName) + "-public.pem"
		r.Finished = b.now().UTC()
	})
	if err != nil {
		return attempt(command, err)
	}
	log, err := b.log.Snapshot()
	if err != nil {
		return attempt(command, err)
	}
	if err := b.prove(ctx, log); err != nil {
		return err
	}
	return b.writeManifest(ctx, key, log)
}

// writeManifest writes the signed manifest of everything that went in, and the
// record that says so. Nothing of it is visible before it is whole and, where it
// is to go to a bucket, there; and the tags move in between.
func (b *build) writeManifest(ctx context.Context, key *rsa.PrivateKey, log *io.SectionReader) error {
	command := manifestCommand(b.buildName())
	public, err := manifestkey.PublicPEM(&key.PublicKey)
	if err != nil {
		return attempt(command, err)
	}
	if err := b.folder.SavePublicKey(public); err != nil {
		return attempt(command, err)
	}
	signed, err := b.packAndSign(ctx, key, log)
	if err != nil {
		return attempt(command, err)
	}
	if err := b.upload(ctx, signed); err != nil {
		return errors.Join(err, signed.Discard())
	}
	undo, err := b.moveTags(ctx)
	if err != nil {
		return errors.Join(err, signed.Discard())
	}
	err = signed.Commit()
	if err == nil {
		err = b.saveRecord(b.finished())
	}
	if err != nil {
		undo()
	}
	return attempt(command, err)
}

// packAndSign goes over the clone once, as a stream: the archive lies on the
// volume as a temporary file until its signature is known. What it returns is
// whole, and gets its name when nothing can fail any more but the record.
func (b *build) packAndSign(ctx context.Context, key *rsa.PrivateKey, log *io.SectionReader) (signed *volume.AtomicFile, err error) {
	name := manifest.Name(b.buildName())
	tbz, err := b.folder.CreateManifest(name + ".tbz")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tbz.Discard()) }()
	digest, err := b.pack(ctx, tbz, log)
	if err != nil {
		return nil, err
	}
	signature, err := manifest.Sign(digest, key)
	if err != nil {
		return nil, err
	}
	content, err := tbz.Open()
	if err != nil {
		return nil, err
	}
	return b.writeSigned(ctx, name, content, signature)
}

func (b *build) pack(ctx context.Context, w io.Writer, log *io.SectionReader) (manifest.Digest, error) {
	buildJSON, err := record.Encode(b.finished())
	if err != nil {
		return manifest.Digest{}, err
	}
	clone, err := os.OpenRoot(b.clonePath())
	if err != nil {
		return manifest.Digest{}, fmt.Errorf("open the clone: %w", err)
	}
	digest, err := manifest.Write(ctx, w, manifest.Contents{
		Record:   buildJSON,
		Log:      log,
		Attested: os.DirFS(b.attestedPath()),
		Git:      clone.FS(),
		Modified: b.checkout.Committed,
	})
	return digest, errors.Join(err, clone.Close())
}

func (b *build) writeSigned(ctx context.Context, name string, tbz *io.SectionReader, signature []byte) (*volume.AtomicFile, error) {
	signed, err := b.folder.CreateManifest(manifest.SignedName(name))
	if err != nil {
		return nil, err
	}
	err = manifest.WriteSigned(ctx, signed, name, tbz, tbz.Size(), signature, b.checkout.Committed)
	if err != nil {
		return nil, errors.Join(err, signed.Discard())
	}
	return signed, nil
}

// finished is the record as it will be when this last step is done.
func (b *build) finished() record.Record {
	r := b.job.Record()
	r.Status = api.StatusSuccess
	r.TagsMoving = false
	return r
}

func manifestCommand(buildName string) string {
	return commandLine("tar", "-cjf", manifest.Name(buildName)+".tbz", "data", "git")
}
