package simple

// The signer: one signature for each tag, where verifiers look for it.

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/simple"
)

// signLimit bounds one Sign with all its requests.
const signLimit = 30 * time.Minute

// Signer signs with the key of one sealed store. It is safe for concurrent use;
// signatures wait for each other, so that the key is made once.
type Signer struct {
	keys    Keys
	store   Store
	creator string
	now     func() time.Time
	turn    chan struct{}
}

// New makes a signer over a sealed store, and a store for the signatures of
// images whose registry takes none. version is the server's, as it is written in
// every signature.
func New(keys Keys, store Store, version string) *Signer {
	return &Signer{keys: keys, store: store, creator: "sbs-server " + version, now: time.Now, turn: make(chan struct{}, 1)}
}

// Sign signs all of the image's tags and returns the public key: armoured, with
// its fingerprint in upper-case hex. It does not look whether the tags are in
// the registry. progress gets lines of text for the build log. Signing again is
// always safe. When ctx ends, Sign ends promptly with its cause, but for the
// seconds that making the key takes, once.
func (s *Signer) Sign(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error) {
	if err := request.Image.Validate(); err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign image: %w", err)
	}
	key, err := s.signInTurn(ctx, request, progress)
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign %s with simple signing: %w", request.Image.Repository, err)
	}
	return key, nil
}

func (s *Signer) signInTurn(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, signLimit, fmt.Errorf("not done after %v", signLimit))
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return signing.PublicKey{}, context.Cause(ctx)
	}
	key, err := s.key()
	if err != nil {
		return signing.PublicKey{}, err
	}
	public, err := armoured(key)
	if err != nil {
		return signing.PublicKey{}, err
	}
	if err := s.signTags(ctx, key, request, progress); err != nil {
		return signing.PublicKey{}, signing.Advise(err)
	}
	return signing.PublicKey{Method: api.SigningSimple, ID: simple.NewKey(key).ID(), Key: public}, nil
}

func (s *Signer) signTags(ctx context.Context, key *openpgp.Entity, request signing.Request, progress io.Writer) error {
	repository, err := registry.Open(ctx, request.Image.Repository, request.Access(), registry.Push)
	if err != nil {
		return err
	}
	defer repository.Close()
	store, err := s.storeFor(ctx, repository, request.Image)
	if err != nil {
		return err
	}
	stored, err := store.list(ctx)
	if err != nil {
		return err
	}
	for _, tag := range request.Image.Tags {
		claim := simple.Claim{Reference: request.Image.Repository + ":" + tag, Digest: request.Image.Digest}
		if s.holds(key, stored, claim) {
			_, _ = fmt.Fprintf(progress, "%s is signed already in %s\n", claim.Reference, store) // a log's trouble is its own
			continue
		}
		if err := s.signTag(ctx, key, store, claim); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(progress, "signed %s in %s\n", claim.Reference, store)
	}
	return s.readBack(ctx, key, store, request.Image)
}

// readBack checks that verifiers find a signature of each tag.
func (s *Signer) readBack(ctx context.Context, key *openpgp.Entity, store signatureStore, image signing.Image) error {
	stored, err := store.list(ctx)
	if err != nil {
		return fmt.Errorf("read back the signatures: %w", err)
	}
	for _, tag := range image.Tags {
		claim := simple.Claim{Reference: image.Repository + ":" + tag, Digest: image.Digest}
		if !s.holds(key, stored, claim) {
			return fmt.Errorf("read back the signatures: %s took the signature of %s, and does not have it: IMAGE_SIGNING sigstore does not need it", store, claim.Reference)
		}
	}
	return nil
}

func (s *Signer) signTag(ctx context.Context, key *openpgp.Entity, store signatureStore, claim simple.Claim) error {
	content, err := claim.Encode(s.creator, s.now())
	if err != nil {
		return err
	}
	message, err := simple.Sign(key, content, s.now)
	if err != nil {
		return err
	}
	return store.add(ctx, message)
}

// holds reports whether one of the stored signatures is ours and states the claim.
func (s *Signer) holds(key *openpgp.Entity, stored [][]byte, claim simple.Claim) bool {
	for _, message := range stored {
		signed, _, err := simple.Open(simple.NewKey(key), message, s.now())
		if err == nil && signed == claim { // else somebody else's, or about something else
			return true
		}
	}
	return false
}
