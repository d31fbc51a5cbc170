package verify

// What a signed manifest says, without writing any of it to disk.

import (
	"archive/tar"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client/commit"
)

// Bounds of a manifest's archives, in bytes.
const (
	maxArchive     = 64 << 30 // the .tbz
	maxAttestation = 32 << 20 // each of its attestations
)

// Contents is what a manifest says whose signature holds.
type Contents struct {
	Name     string            // the manifest name
	Digest   manifest.Digest   // of its archive
	Summary  manifest.Summary  // what is in the archive
	Attested map[string][]byte // the bundles in data/: manifest.Provenance and manifest.SBOM
	// Source is what was recomputed from git/, unless SourceErr says what does
	// not hold there. The signature holds in both cases.
	Source    commit.Result
	SourceErr error
}

// Read verifies the .sig.tbz at path with key and reads all that is in it. It
// goes over the file twice: nothing of the contents is looked at before the
// signature has held. scratch is a folder that only this user can read; what is
// made there is gone when Read returns. When the signature does not hold,
// errors.Is finds manifest.ErrSignature.
func Read(ctx context.Context, path string, key *rsa.PublicKey, scratch string) (Contents, error) {
	signed, err := takeApart(ctx, path, io.Discard)
	if err == nil {
		err = signed.Verify(key)
	}
	if err != nil {
		return Contents{}, fmt.Errorf("verify manifest: %w", err)
	}
	contents, err := readContents(ctx, path, signed, scratch)
	if err != nil {
		return Contents{}, fmt.Errorf("read manifest: %w", err)
	}
	return contents, nil
}

// takeApart takes the .sig.tbz at path apart.
func takeApart(ctx context.Context, path string, archive io.Writer) (signed manifest.Signed, err error) {
	file, err := os.Open(path)
	if err != nil {
		return manifest.Signed{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	signed, err = manifest.Split(contextReader{ctx, file}, &boundedWriter{archive, maxArchive})
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return signed, err
}

// readContents reads the archive in the .sig.tbz at path, which must still be
// the one whose signature held.
func readContents(ctx context.Context, path string, signed manifest.Signed, scratch string) (contents Contents, err error) {
	reader, writer := io.Pipe()
	var again manifest.Signed
	var group errgroup.Group
	group.Go(func() (err error) {
		again, err = takeApart(ctx, path, writer)
		return errors.Join(err, writer.CloseWithError(err))
	})
	group.Go(func() (err error) {
		contents, err = walk(ctx, reader, scratch)
		if err == nil {
			_, err = io.Copy(io.Discard, reader) // what is behind the end is signed too
		}
		reader.CloseWithError(err) // ends the other one
		return err
	})
	if err := group.Wait(); err != nil {
		return Contents{}, err
	}
	if again.Digest != signed.Digest {
		return Contents{}, fmt.Errorf("%s was changed while it was read", path)
	}
	contents.Name, contents.Digest = signed.Name, signed.Digest
	return contents, nil
}

// walk goes through an archive once.
func walk(ctx context.Context, archive io.Reader, scratch string) (contents Contents, err error) {
	source, err := commit.NewFolder(scratch)
	if err != nil {
		return Contents{}, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	contents.Attested = map[string][]byte{}
	contents.Summary, err = manifest.Walk(&boundedReader{archive, maxArchive}, func(header *tar.Header, content io.Reader) error {
		name := strings.TrimSuffix(header.Name, "/")
		below, inGit := strings.CutPrefix(name, "git/")
		switch {
		case !inGit:
			return contents.keep(path.Base(name), header.Size, content)
		case contents.SourceErr == nil:
			contents.SourceErr = source.Add(ctx, below, header, content)
		}
		return context.Cause(ctx)
	})
	if err != nil {
		return Contents{}, err
	}
	if contents.SourceErr == nil {
		contents.Source, contents.SourceErr = source.Check(ctx)
	}
	return contents, context.Cause(ctx)
}

// keep keeps an attestation.
func (c *Contents) keep(name string, size int64, content io.Reader) error {
	if name != manifest.Provenance && name != manifest.SBOM {
		return nil
	}
	if size > maxAttestation {
		return fmt.Errorf("%w: data/%s has %d bytes, which are too many", manifest.ErrFormat, name, size)
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return fmt.Errorf("%w: data/%s: %w", manifest.ErrFormat, name, err)
	}
	c.Attested[name] = text
	return nil
}
