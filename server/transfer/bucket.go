package transfer

import (
	"context"
	"io"
	"strings"

	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/server/stateimage"
)

// parameterPrefix begins the names of the parameters of the object store for states.
const parameterPrefix = "STATE_"

// Upload stores the text of a state image under name, in the bucket, or for "" in
// that of the parameters.
func (t *Transfer) Upload(ctx context.Context, bucket, name, text string) error {
	store, err := t.openStore(bucket)
	if err != nil {
		return err
	}
	defer store.Close()
	return store.Put(ctx, name, io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))))
}

// Download returns what is stored under name, in the bucket, or for "" in that of the
// parameters.
func (t *Transfer) Download(ctx context.Context, bucket, name string) (string, error) {
	store, err := t.openStore(bucket)
	if err != nil {
		return "", err
	}
	defer store.Close()
	text, err := store.Get(ctx, name, stateimage.MaxText)
	return string(text), err
}

func (t *Transfer) openStore(bucket string) (*objectstore.Store, error) {
	parameters, err := t.Parameters.Current()
	if err != nil {
		return nil, err
	}
	store := parameters.StateStore
	if bucket != "" {
		store.Bucket = bucket
	}
	return objectstore.Open(parameterPrefix, store, t.CABundle)
}
