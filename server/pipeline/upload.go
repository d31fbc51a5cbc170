package pipeline

import (
	"context"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/server/volume"
)

// upload stores the signed manifest in the bucket that was asked for. It comes
// before success is recorded: a manifest that is not there was not delivered.
func (b *build) upload(ctx context.Context, signed *volume.AtomicFile) error {
	parameters := b.parameters.ManifestStore
	if parameters.Bucket == "" {
		return nil
	}
	name := manifest.SignedName(manifest.Name(b.buildName()))
	command := commandLine("ibmcloud", "cos", "object-put", "--bucket", parameters.Bucket, "--key", name)
	store, err := objectstore.Open("MANIFEST_", parameters, b.CABundle)
	if err != nil {
		return attempt(command, err)
	}
	defer store.Close()
	content, err := signed.Open()
	if err != nil {
		return attempt(command, err)
	}
	if err := store.Put(ctx, name, content); err != nil {
		return attempt(command, err)
	}
	b.log.Info("stored %s in bucket %s", name, parameters.Bucket)
	return nil
}
