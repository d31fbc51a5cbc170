package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/signing/manifestkey"
)

// finishRecord records when the build finished and which key signs its manifest, and
// takes the log as the manifest will have it: the provenance names its digest.
func (b *build) finishRecord(context.Context) error {
	if _, err := b.key(); err != nil {
		return err
	}
	err := b.note(func(r *record.Record) {
		r.ManifestKeyGen = api.ManifestKeySoftware
		r.ManifestPublicKey = manifest.Name(r.BuildName) + "-public.pem"
		r.Finished = b.now().UTC()
	})
	if err != nil {
		return err
	}
	b.finalLog, err = b.log.Snapshot()
	return err
}

// signManifest writes the signed manifest of everything that the build consisted of,
// and its public key. It is a temporary file until keepManifest gives it its name. The
// clone is read once, as a stream: the archive is a temporary file too, until its
// signature is known.
func (b *build) signManifest(ctx context.Context) (err error) {
	key, err := b.key()
	if err != nil {
		return err
	}
	public, err := manifestkey.PublicPEM(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := b.folder.SavePublicKey(public); err != nil {
		return err
	}
	name := manifest.Name(b.buildName())
	tbz, err := b.folder.CreateManifest(name + ".tbz")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tbz.Discard()) }()
	digest, err := b.pack(ctx, tbz)
	if err != nil {
		return err
	}
	signature, err := manifest.Sign(digest, key)
	if err != nil {
		return err
	}
	content, err := tbz.Open()
	if err != nil {
		return err
	}
	return b.writeSigned(ctx, name, content, signature)
}

// pack writes the unsigned manifest.
func (b *build) pack(ctx context.Context, w io.Writer) (manifest.Digest, error) {
	buildJSON, err := record.Encode(b.successRecord())
	if err != nil {
		return manifest.Digest{}, err
	}
	clone, err := os.OpenRoot(b.clonePath())
	if err != nil {
		return manifest.Digest{}, fmt.Errorf("open the clone: %w", err)
	}
	digest, err := manifest.Write(ctx, w, manifest.Contents{
		Record:   buildJSON,
		Log:      b.finalLog,
		Attested: os.DirFS(b.attestedPath()),
		Git:      clone.FS(),
		Modified: b.checkout.Committed,
	})
	return digest, errors.Join(err, clone.Close())
}

// writeSigned writes the signed manifest, and discards it if the build fails.
func (b *build) writeSigned(ctx context.Context, name string, tbz *io.SectionReader, signature []byte) error {
	signed, err := b.folder.CreateManifest(manifest.SignedName(name))
	if err != nil {
		return err
	}
	b.signed = signed
	b.rollback = append(b.rollback, b.discardManifest)
	return manifest.WriteSigned(ctx, signed, name, tbz, tbz.Size(), signature, b.checkout.Committed)
}

func (b *build) discardManifest() error {
	if b.signed == nil {
		return nil // keepManifest has closed it; recordFailure removes the file
	}
	return b.signed.Discard()
}

// uploadManifest stores the signed manifest in the bucket of the parameters. It comes
// before success is recorded: a manifest that is not in the bucket was not delivered.
func (b *build) uploadManifest(ctx context.Context) error {
	parameters := b.parameters.ManifestStore
	if parameters.Bucket == "" {
		return nil
	}
	name := manifest.SignedName(manifest.Name(b.buildName()))
	err := b.upload(ctx, parameters, name)
	if err != nil {
		return attempt(commandLine("ibmcloud", "cos", "object-put", "--bucket", parameters.Bucket, "--key", name), err)
	}
	b.log.Info("stored %s in bucket %s", name, parameters.Bucket)
	return nil
}

func (b *build) upload(ctx context.Context, parameters api.ObjectStore, name string) error {
	store, err := b.OpenStore("MANIFEST_", parameters, b.CABundle)
	if err != nil {
		return err
	}
	defer store.Close()
	content, err := b.signed.Open()
	if err != nil {
		return err
	}
	return store.Put(ctx, name, content)
}

// keepManifest gives the signed manifest its name and saves the record that belongs
// to it. Nothing can fail after that.
func (b *build) keepManifest(context.Context) error {
	signed := b.signed
	b.signed = nil // Commit closes it, and removes it when it fails
	if err := signed.Commit(); err != nil {
		return err
	}
	return b.saveRecord(b.successRecord())
}

// successRecord returns the record as it will be when the last step is done.
func (b *build) successRecord() record.Record {
	r := b.job.Record()
	r.Status = api.StatusSuccess
	r.TagsMoving = false
	return r
}
