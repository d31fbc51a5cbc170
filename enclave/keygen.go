package enclave

// The image provider's side: generates the secrets of a server image for the
// workload section of its contract.

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Generated holds the new secrets of one server image.
type Generated struct {
	// Values are the environment variables for the env of the workload section,
	// as name and value, in order. They are secret.
	Values [][2]string
	// PublicKey is the armoured OpenPGP public key that developers encrypt
	// SERVER_KEY to.
	PublicKey []byte

	SecretID    []byte   // identifies the image secret without revealing it
	PreviousIDs [][]byte // the same for the previous ones, the latest first
	Fingerprint string   // of the OpenPGP key, in upper-case hex
}

// Generate returns a new image secret and a new OpenPGP key pair. previous
// returns the values of the previous server image by name, so that the new image
// unseals what that one and its predecessors sealed; it is nil for a first image.
//
// The OpenPGP key does not expire: it is used as long as its server image.
func Generate(previous func(name string) string) (Generated, error) {
	var earlier [][]byte
	if previous != nil {
		before, err := FromContract(previous)
		if err != nil {
			return Generated{}, fmt.Errorf("generate image secrets: the previous ones: %w", err)
		}
		earlier = append([][]byte{before.secret}, before.previous...)
	}
	secret := make([]byte, minSecret)
	if _, err := rand.Read(secret); err != nil {
		return Generated{}, fmt.Errorf("generate image secrets: %w", err)
	}
	keys, err := newKeyPair("server image")
	if err != nil {
		return Generated{}, fmt.Errorf("generate image secrets: %w", err)
	}
	encode := base64.StdEncoding.EncodeToString
	made := Generated{
		Values:      [][2]string{{EnvImageSecret, encode(secret)}, {EnvImagePrivateKey, encode(keys.private)}},
		PublicKey:   keys.public,
		SecretID:    idOf(secret),
		Fingerprint: keys.fingerprint,
	}
	if len(earlier) > 0 {
		var list []string
		for _, secret := range earlier {
			list = append(list, encode(secret))
			made.PreviousIDs = append(made.PreviousIDs, idOf(secret))
		}
		made.Values = append(made.Values, [2]string{EnvImageSecretPrevious, strings.Join(list, ",")})
	}
	return made, nil
}

// keyPair is an armoured OpenPGP key pair (RFC 9580).
type keyPair struct {
	private, public []byte
	fingerprint     string
}

func newKeyPair(comment string) (keyPair, error) {
	entity, err := openpgp.NewEntity("Secure Build Server", comment, "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		return keyPair{}, fmt.Errorf("make OpenPGP key: %w", err)
	}
	private, err := armored(openpgp.PrivateKeyType, func(w *bytes.Buffer) error { return entity.SerializePrivate(w, nil) })
	if err != nil {
		return keyPair{}, fmt.Errorf("make OpenPGP key: %w", err)
	}
	public, err := armored(openpgp.PublicKeyType, func(w *bytes.Buffer) error { return entity.Serialize(w) })
	if err != nil {
		return keyPair{}, fmt.Errorf("make OpenPGP key: %w", err)
	}
	return keyPair{private, public, fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint)}, nil
}

func armored(kind string, serialize func(*bytes.Buffer) error) ([]byte, error) {
	var raw, out bytes.Buffer
	if err := serialize(&raw); err != nil {
		return nil, err
	}
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}
