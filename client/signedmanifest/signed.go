package signedmanifest

// The one reader of .sig.tbz files: hash and signature first, then the contents.

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api/ctxio"
	"github.com/opensbs/sbs/api/manifest"
)

// maxArchive bounds the .tbz, and what comes out of it, in bytes.
const maxArchive = 64 << 30

// openSigned hashes the archive in the .sig.tbz at path and verifies its
// signature with key. Nothing is written, and the archive is not decompressed.
func openSigned(ctx context.Context, path string, key *rsa.PublicKey) (manifest.Signed, error) {
	signed, err := takeApart(ctx, path, io.Discard)
	if err != nil {
		return manifest.Signed{}, err
	}
	return signed, signed.Verify(key)
}

// takeApart takes the .sig.tbz at path apart and writes the archive in it to w.
func takeApart(ctx context.Context, path string, w io.Writer) (signed manifest.Signed, err error) {
	file, err := os.Open(path)
	if err != nil {
		return manifest.Signed{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	signed, err = manifest.Split(ctxio.Reader(ctx, file), &boundedWriter{w, maxArchive})
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return signed, err
}

// again reads the archive in the .sig.tbz at path once more, which must still be
// the one whose signature held: it is written to w, and handed to contents, which
// decompresses on another core meanwhile.
func again(ctx context.Context, path string, signed manifest.Signed, w io.Writer, contents func(io.Reader) error) error {
	reader, writer := io.Pipe()
	var found manifest.Signed
	var group errgroup.Group
	group.Go(func() (err error) {
		found, err = takeApart(ctx, path, io.MultiWriter(w, writer))
		return errors.Join(err, writer.CloseWithError(err))
	})
	group.Go(func() error {
		err := contents(reader)
		if err == nil {
			_, err = io.Copy(io.Discard, reader) // what comes after the end is signed too
		}
		reader.CloseWithError(err) // ends the other one
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if found.Digest != signed.Digest {
		return fmt.Errorf("%s was changed while it was read", path)
	}
	return nil
}
