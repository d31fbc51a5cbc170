package signedmanifest

import (
	"context"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/client/atomicfile"
)

// Result is a manifest whose signature holds.
type Result struct {
	Name      string           // the manifest name
	Archive   string           // path of the .tbz that was unpacked
	Signature string           // path of the .sig that was unpacked
	Digest    manifest.Digest  // of the archive
	Summary   manifest.Summary // what is in the archive
}

// ErrOtherBuild means that a manifest is genuine but not of the build that it
// was taken for.
var ErrOtherBuild = errors.New("this is the manifest of another build")

// Refusal is the verdict on a manifest that is not genuine.
type Refusal struct{ cause error }

func (e *Refusal) Error() string { return e.cause.Error() }

// Unwrap returns why.
func (e *Refusal) Unwrap() error { return e.cause }

// Next returns what to do next.
func (e *Refusal) Next() string { return distrust }

const distrust = "don't trust this build: get the manifest and the key again, from a source that you trust, and compare"

// Manifest verifies the .sig.tbz at path with key, and unpacks "<name>.tbz" and
// "<name>.sig" next to it. name must be the file's own, and the build named in
// the signed record must be the one in name: a genuine manifest of another
// build is refused. Both are a *Refusal. When the signature does not hold, errors.Is finds
// manifest.ErrSignature and nothing is unpacked.
func Manifest(ctx context.Context, path string, key *rsa.PublicKey) (Result, error) {
	result, err := unpack(ctx, path, key)
	suspicious := errors.Is(err, manifest.ErrSignature) || errors.Is(err, manifest.ErrFormat) || errors.Is(err, ErrOtherBuild)
	if suspicious && ctx.Err() == nil {
		return Result{}, &Refusal{fmt.Errorf("verify manifest: %w", err)}
	}
	if err != nil {
		return Result{}, fmt.Errorf("verify manifest: %w", err)
	}
	return result, nil
}

// unpack goes over the file twice: nothing is written, and nothing of the
// contents is looked at, before the signature has held.
func unpack(ctx context.Context, path string, key *rsa.PublicKey) (result Result, err error) {
	signed, err := openSigned(ctx, path, key)
	if err != nil {
		return Result{}, err
	}
	folder := filepath.Dir(path)
	archive, err := atomicfile.Create(folder, 0o644)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, archive.Discard()) }()
	var summary manifest.Summary
	err = again(ctx, path, signed, archive, func(reader io.Reader) (err error) {
		summary, err = manifest.Read(&boundedReader{reader, maxArchive})
		return err
	})
	if err != nil {
		return Result{}, err
	}
	if err := sameBuild(path, signed, summary); err != nil {
		return Result{}, err
	}
	if err := archive.Commit(atomicfile.Name(signed.Name + ".tbz")); err != nil {
		return Result{}, err
	}
	result = Result{
		Name:      signed.Name,
		Archive:   filepath.Join(folder, atomicfile.Name(signed.Name+".tbz")),
		Signature: filepath.Join(folder, atomicfile.Name(signed.Name+".sig")),
		Digest:    signed.Digest,
		Summary:   summary,
	}
	return result, atomicfile.Write(result.Signature, []byte(hex.EncodeToString(signed.Signature)), 0o644)
}

// sameBuild makes sure that the file's name, the name within and the signed
// record all mean one build.
func sameBuild(path string, signed manifest.Signed, summary manifest.Summary) error {
	if filepath.Base(path) != atomicfile.Name(manifest.SignedName(signed.Name)) {
		return fmt.Errorf("%w: %s holds %s", ErrOtherBuild, filepath.Base(path), signed.Name)
	}
	built, err := record.Decode(summary.Record)
	if err != nil {
		return fmt.Errorf("%w: data/build.json: %w", manifest.ErrFormat, err)
	}
	if name := manifest.Name(built.BuildName); name != signed.Name {
		return fmt.Errorf("%w: the signed record is of %q, not of %s", ErrOtherBuild, name, signed.Name)
	}
	return nil
}
