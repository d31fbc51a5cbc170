package dct

// The signer: one repository at a time, from request to public key.

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"time"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/notary"
)

// signLimit bounds one Sign with all its requests.
const signLimit = 30 * time.Minute

var errSlow = fmt.Errorf("not done after %v", signLimit)

// Signer signs with the keys of one sealed store. It is safe for concurrent
// use; signatures wait for each other, for trust data is one chain of versions.
type Signer struct {
	keys Keys
	turn chan struct{}
}

// New makes a signer over a sealed store; keys are made at their first use.
func New(keys Keys) *Signer {
	return &Signer{keys: keys, turn: make(chan struct{}, 1)}
}

// Sign publishes signatures for all of the image's tags at once and returns
// the public key verifiers need. The repository's trust data is started when
// neither the server nor this key store knows the GUN. progress gets lines of
// text for the build log.
//
// Where a reader can do something, the error is one of notary.ErrDockerNotary,
// *ForeignRootError, *LostError, *KeyStoreError, *MissingKeyError,
// *ShadowedError, and *RolledBackError, *ExpiredError, *UnreachableError,
// *CertificateError and *AccessError of package signature. When ctx ends, Sign ends promptly with
// its error, and whether the signatures were published is known to the server
// alone: signing again is always safe.
func (s *Signer) Sign(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error) {
	return s.do(ctx, request, progress, (*repository).sign)
}

// Prepare does all of Sign but the signing: afterwards the server has the
// repository's trust data, checked, and no tag leads to the image. It returns the
// key that Sign will sign with.
func (s *Signer) Prepare(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error) {
	return s.do(ctx, request, progress, (*repository).prepare)
}

// operation is done with the trust data of one repository.
type operation func(*repository, signing.Image) (signing.PublicKey, error)

func (s *Signer) do(ctx context.Context, request signing.Request, progress io.Writer, what operation) (signing.PublicKey, error) {
	if err := request.Image.Validate(); err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign image: %w", err)
	}
	address, err := notary.ParseServer(request.Notary)
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign %s: %w", request.Image.Repository, err)
	}
	key, err := s.signInTurn(ctx, address, request, progress, what)
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign %s at %s: %w", request.Image.Repository, notary.Name(address), err)
	}
	return key, nil
}

// signInTurn decides which of several errors is the one to return.
func (s *Signer) signInTurn(ctx context.Context, address *url.URL, request signing.Request, progress io.Writer, what operation) (signing.PublicKey, error) {
	if err := s.enter(ctx); err != nil {
		return signing.PublicKey{}, err
	}
	defer s.leave()
	ctx, cancel := context.WithTimeoutCause(ctx, signLimit, errSlow)
	defer cancel()
	store := &keyStore{keys: s.keys}
	key, err := s.signAt(ctx, address, request, store, progress, what)
	switch {
	case err == nil:
		return key, nil
	case ctx.Err() != nil:
		return signing.PublicKey{}, ended(ctx)
	case store.failure != nil:
		return signing.PublicKey{}, store.failure
	default:
		return signing.PublicKey{}, explain(notary.Name(address), err)
	}
}

// ended returns the cause of the end of ctx, where it was more than a plain end.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// signAt connects to the server and leaves no connection.
func (s *Signer) signAt(ctx context.Context, address *url.URL, request signing.Request, store *keyStore, progress io.Writer, what operation) (signing.PublicKey, error) {
	opened, err := notary.Open(ctx, address, request.Image.Repository, request.Access(), "push", "pull")
	if err != nil {
		return signing.PublicKey{}, err
	}
	defer opened.Close()
	return what(newRepository(opened, store, progress), request.Image)
}

// Forget is an operator's decision after a LostError or a RolledBackError: it
// forgets the rollback state of the GUN on the server. The next Sign takes the
// trust data as it finds it if it is rooted in our key, and starts it again if
// there is none; a foreign root stays refused. Keys are kept. It fails with
// fs.ErrNotExist when there is no state.
func (s *Signer) Forget(ctx context.Context, server, gun string) error {
	address, err := notary.ParseServer(server)
	if err != nil {
		return fmt.Errorf("forget %s: %w", gun, err)
	}
	if err := s.enter(ctx); err != nil {
		return fmt.Errorf("forget %s: %w", gun, err)
	}
	defer s.leave()
	store := stateStore{s.keys, notary.Name(address), gun}
	state, err := store.load()
	if err == nil && state.RootKeyID == "" {
		err = fmt.Errorf("there is no rollback state of it at %s: %w", store.server, fs.ErrNotExist)
	}
	if err != nil {
		return fmt.Errorf("forget %s: %w", gun, err)
	}
	state.Forgotten = true
	return store.save(state)
}

// enter waits for this signer's turn, or for the end of ctx.
func (s *Signer) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Signer) leave() { <-s.turn }
