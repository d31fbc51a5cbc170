package pipeline

// Statements about the image: signed, kept for the manifest, and published if
// ATTESTATIONS names them.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/signing"
)

// Attester signs statements about images, and publishes them.
type Attester interface {
	// Attest signs a statement about the image and returns it as a bundle.
	Attest(ctx context.Context, image signing.Image, predicateType string, predicate []byte) ([]byte, signing.PublicKey, error)
	// Attach publishes a bundle as a referrer of the image and returns the referrer's
	// digest.
	Attach(ctx context.Context, request signing.Request, predicateType string, bundle []byte) (string, error)
}

// statement is a kind of statement that every build makes.
type statement struct {
	name          string // one of api.Attestation*
	predicateType string
	file          string // in the manifest's data folder
	cosignType    string // its name in cosign attest
}

// attest signs the statement that predicate is true of the pushed image.
func (b *build) attest(ctx context.Context, s statement, predicate []byte) (record.Attestation, error) {
	stated, err := b.signAndPublish(ctx, s, predicate)
	if err != nil {
		return record.Attestation{}, attempt(commandLine("cosign", "attest", "--key", "<KEY>", "--type", s.cosignType, b.byDigest()), err)
	}
	b.log.Info("attested %s with key %s", s.name, stated.PublicKeyID)
	return stated, nil
}

func (b *build) signAndPublish(ctx context.Context, s statement, predicate []byte) (record.Attestation, error) {
	bundle, key, err := b.Attester.Attest(ctx, b.image(), s.predicateType, predicate)
	if err != nil {
		return record.Attestation{}, err
	}
	if err := b.keepAttested(s.file, bundle); err != nil {
		return record.Attestation{}, err
	}
	hash := sha256.Sum256(bundle)
	stated := record.Attestation{
		Name:          s.name,
		PredicateType: s.predicateType,
		SHA256:        hex.EncodeToString(hash[:]),
		PublicKeyID:   key.ID,
		PublicKey:     key.Key,
	}
	if slices.Contains(b.parameters.Published(), s.name) {
		err = b.withProgress(ctx, b.peerRegistry(), func(ctx context.Context) (err error) {
			stated.Referrer, err = b.Attester.Attach(ctx, b.signRequest(ctx, api.SigningSigstore), s.predicateType, bundle)
			return err
		})
	}
	return stated, err
}

// keepAttested keeps a file for the data folder of the manifest.
func (b *build) keepAttested(name string, content []byte) error {
	if err := os.MkdirAll(b.attestedPath(), 0o700); err != nil {
		return fmt.Errorf("keep %s for the manifest: %w", name, err)
	}
	if err := os.WriteFile(filepath.Join(b.attestedPath(), name), content, 0o600); err != nil {
		return fmt.Errorf("keep %s for the manifest: %w", name, err)
	}
	return nil
}

func (b *build) attestedPath() string {
	return filepath.Join(b.work, "attested")
}
