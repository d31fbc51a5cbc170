package signedmanifest

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/opensbs/sbs/api/ctxio"
	"github.com/opensbs/sbs/api/manifest"
)

// SelfTest changes one byte of a copy of the archive of result, in memory, and
// returns an error unless the signature then fails: a test of the check itself.
func SelfTest(ctx context.Context, result Result, key *rsa.PublicKey) (err error) {
	archive, err := os.Open(result.Archive)
	if err != nil {
		return fmt.Errorf("verify test: %w", err)
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	info, err := archive.Stat()
	if err != nil {
		return fmt.Errorf("verify test: %w", err)
	}
	signature, err := os.ReadFile(result.Signature)
	if err != nil {
		return fmt.Errorf("verify test: %w", err)
	}
	changed := manifest.Signed{Name: result.Name}
	if changed.Signature, err = hex.DecodeString(strings.TrimSpace(string(signature))); err != nil {
		return fmt.Errorf("verify test: %w", err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, ctxio.Reader(ctx, &flip{archive, info.Size() / 2})); err != nil {
		return fmt.Errorf("verify test: %w", err)
	}
	changed.Digest = manifest.Digest(hash.Sum(nil))
	if err := changed.Verify(key); !errors.Is(err, manifest.ErrSignature) {
		return &Refusal{errors.New("verify test: a changed manifest passed the check")}
	}
	return nil
}

// flip inverts the byte at an offset of what it reads.
type flip struct {
	io.Reader
	after int64
}

func (f *flip) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if f.after >= 0 && f.after < int64(n) {
		p[f.after] ^= 0xff
	}
	f.after -= int64(n)
	return n, err
}
