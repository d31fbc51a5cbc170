package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/opensbs/sbs/server/trust/dct"
	"github.com/opensbs/sbs/server/volume"
)

// forgetTrustData is the operator's word that the notary server at address has
// really lost the trust data of the repository gun, or gone back to an older
// state of it. It needs the volume, so the server must be stopped.
func forgetTrustData(ctx context.Context, getenv func(string) string, address, gun string) (err error) {
	inside, err := chooseEnclave(getenv)
	if err != nil {
		return err
	}
	data, err := volume.Open(or(getenv(envVolume), "/data"), inside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	err = dct.New(data).Forget(ctx, address, gun)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget trust data: nothing is remembered of %s at %s: give both as the failed build's log shows them", gun, address)
	}
	return err
}
