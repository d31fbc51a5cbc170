package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/volume"
	base "github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/signature/notary"
)

// forgetTrustData records the operator's confirmation that the notary server at
// address has really lost the trust data of the repository gun, or gone back to an
// older state of it: of an image of ours or of a base image. It needs the volume,
// so the server must be stopped.
func forgetTrustData(ctx context.Context, getenv func(string) string, address, gun string) (err error) {
	server, err := notary.ParseServer(address)
	if err != nil {
		return err
	}
	inside, err := chooseEnclave(getenv)
	if err != nil {
		return err
	}
	data, err := volume.Open(or(getenv(envVolume), "/data"), inside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	ours := dct.New(data.Secrets()).Forget(ctx, address, gun)
	theirs := data.Secrets().Remove(base.RecordName(notary.Name(server), gun))
	if errors.Is(ours, fs.ErrNotExist) && errors.Is(theirs, fs.ErrNotExist) {
		return fmt.Errorf("forget trust data: there is no rollback state of %s at %s: give both as the failed build's log shows them", gun, address)
	}
	for _, failed := range []error{ours, theirs} {
		if !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
