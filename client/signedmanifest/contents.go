package signedmanifest

// The contents of a signed manifest, without writing any of it to disk.

import (
	"archive/tar"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client/sourcecheck"
)

// maxAttestation bounds each attestation in a manifest, in bytes.
const maxAttestation = 32 << 20

// Contents are those of a manifest whose signature holds.
type Contents struct {
	Name     string            // the manifest name
	Digest   manifest.Digest   // of its archive
	Summary  manifest.Summary  // what is in the archive
	Attested map[string][]byte // the bundles in data/: manifest.Provenance and manifest.SBOM
	// Source is what was recomputed from git/, unless SourceErr is what does
	// not hold there. The signature holds in both cases.
	Source    sourcecheck.Result
	SourceErr error
}

// Read verifies the .sig.tbz at path with key and reads all that is in it. It
// goes over the file twice: nothing of the contents is looked at before the
// signature has held. scratch is a folder that only this user can read; what is
// made there is gone when Read returns. When the signature does not hold,
// errors.Is finds manifest.ErrSignature.
func Read(ctx context.Context, path string, key *rsa.PublicKey, scratch string) (Contents, error) {
	signed, err := openSigned(ctx, path, key)
	if err != nil {
		return Contents{}, fmt.Errorf("verify manifest: %w", err)
	}
	var contents Contents
	err = again(ctx, path, signed, io.Discard, func(archive io.Reader) (err error) {
		contents, err = walk(ctx, archive, scratch)
		return err
	})
	if err != nil {
		return Contents{}, fmt.Errorf("read manifest: %w", err)
	}
	contents.Name, contents.Digest = signed.Name, signed.Digest
	return contents, nil
}

// walk goes through an archive once.
func walk(ctx context.Context, archive io.Reader, scratch string) (contents Contents, err error) {
	source, err := sourcecheck.NewFolder(scratch)
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
