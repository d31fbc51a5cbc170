package instanceenv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
)

// maxKeyFile is the maximum size of the public key's file, in bytes.
const maxKeyFile = 1 << 20

// fromProvider is the advice where to get a valid key.
const fromProvider = "get the current public key from the provider of the server image, and name its file with --server-public-key or SERVER_PUBLIC_KEY_FILE"

// PublicKey is the OpenPGP public key of a server image.
type PublicKey struct {
	entity *openpgp.Entity
}

// ReadPublicKey returns the one public key in the file at path, armoured or binary
// (RFC 9580), after checking that it can be used for encryption at the time now.
func ReadPublicKey(path string, now time.Time) (PublicKey, error) {
	if path == "" {
		return PublicKey{}, advice.New(errors.New("the server image's public key is missing"), fromProvider)
	}
	text, err := readFile(path)
	if err != nil {
		return PublicKey{}, advice.New(fmt.Errorf("server image's public key: %w", err), fromProvider)
	}
	if err := public.Check(text); err != nil {
		return PublicKey{}, advice.New(fmt.Errorf("server image's public key: %s %w", path, err), "keep the private key to the server image alone, and use its public key here (gpg --export --armor)")
	}
	read := openpgp.ReadKeyRing
	if bytes.Contains(text, []byte("-----BEGIN PGP")) {
		read = openpgp.ReadArmoredKeyRing
	}
	entities, err := read(bytes.NewReader(text))
	if err != nil {
		return PublicKey{}, advice.New(fmt.Errorf("server image's public key %s: %w", path, err), fromProvider)
	}
	if len(entities) != 1 {
		return PublicKey{}, advice.New(fmt.Errorf("server image's public key: %s holds %d keys instead of one", path, len(entities)), fromProvider)
	}
	if err := check(entities[0], now); err != nil {
		return PublicKey{}, fmt.Errorf("server image's public key: %s %w", path, err)
	}
	return PublicKey{entities[0]}, nil
}

// Fingerprint returns the key's fingerprint in upper-case hex.
func (k PublicKey) Fingerprint() string {
	return fmt.Sprintf("%X", k.entity.PrimaryKey.Fingerprint)
}

// check returns an error when e can't be used for encryption at the time now. Its
// text completes a sentence that begins with the file's name.
func check(e *openpgp.Entity, now time.Time) error {
	if e.Revoked(now) {
		return advice.New(errors.New("was revoked by its owner"), fromProvider)
	}
	if end, expired := expiry(e, now); expired {
		return advice.New(fmt.Errorf("expired on %s", end.UTC().Format("2006-01-02")), fromProvider)
	}
	if _, ok := e.EncryptionKey(now); !ok {
		return advice.New(errors.New("has no valid key for encryption"), fromProvider)
	}
	return nil
}

// expiry returns when e, or its newest key for encryption, expired.
func expiry(e *openpgp.Entity, now time.Time) (time.Time, bool) {
	if signature, _ := e.PrimarySelfSignature(); signature != nil && e.PrimaryKey.KeyExpired(signature, now) {
		return lifetimeEnd(e.PrimaryKey.CreationTime, signature.KeyLifetimeSecs), true
	}
	if _, usable := e.EncryptionKey(now); usable {
		return time.Time{}, false
	}
	var newest time.Time
	for _, sub := range e.Subkeys {
		if sub.Sig.FlagEncryptCommunications && sub.PublicKey.KeyExpired(sub.Sig, now) {
			if end := lifetimeEnd(sub.PublicKey.CreationTime, sub.Sig.KeyLifetimeSecs); end.After(newest) {
				newest = end
			}
		}
	}
	return newest, !newest.IsZero()
}

func lifetimeEnd(created time.Time, seconds *uint32) time.Time {
	if seconds == nil {
		return created
	}
	return created.Add(time.Duration(*seconds) * time.Second)
}

func readFile(path string) (text []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("%s is larger than %d KiB", path, maxKeyFile>>10)
	}
	return text, nil
}
