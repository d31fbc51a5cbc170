package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/objectstore"
)

// upload stores the signed manifest in the bucket that was asked for. It comes
// before success is recorded: a manifest that is not there was not delivered.
func (b *build) upload(ctx context.Context) error {
	parameters := b.parameters.ManifestStore
	if parameters.Bucket == "" {
		return nil
	}
	name := SignedName(manifest.Name(b.buildName()))
	command := commandLine("ibmcloud", "cos", "object-put", "--bucket", parameters.Bucket, "--key", name)
	store, err := objectstore.Open("MANIFEST_", parameters, b.CABundle)
	if err != nil {
		return attempt(command, err)
	}
	defer store.Close()
	if err := b.uploadTo(ctx, store, name); err != nil {
		return attempt(command, err)
	}
	b.log.Info("stored %s in bucket %s", name, parameters.Bucket)
	return nil
}

func (b *build) uploadTo(ctx context.Context, store *objectstore.Store, name string) (err error) {
	file, err := b.folder.Manifest(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return store.Put(ctx, name, io.NewSectionReader(file, 0, info.Size()))
}
