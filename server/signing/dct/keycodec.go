package dct

// How one signing key is written into the sealed store. The store seals it;
// here it is plain text, and pure.
//
// Version 1 is one JSON object:
//
//	{"version":1,"role":"targets","gun":"docker.io/ns/app","key":"-----BEGIN PRIVATE KEY-----\n..."}
//
// role is the TUF role the key signs; gun is empty for a root key, which
// serves all GUNs; key is the PKCS#8 private key (RFC 5208) as PEM, ECDSA P-256.

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

const (
	keyVersion = 1
	pemType    = "PRIVATE KEY"
	// maxEntry bounds a sealed entry of this package, opened, in bytes.
	maxEntry = 16 << 10
)

type keyEntry struct {
	Version int           `json:"version"`
	Role    data.RoleName `json:"role"`
	GUN     data.GUN      `json:"gun"`
	Key     string        `json:"key"`
}

// encodeKey writes a key in the newest version.
func encodeKey(info trustmanager.KeyInfo, key data.PrivateKey) ([]byte, error) {
	if err := checkRole(info); err != nil {
		return nil, err
	}
	private, ok := key.CryptoSigner().(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s key: only ECDSA P-256 is kept", key.Algorithm())
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return json.Marshal(keyEntry{
		Version: keyVersion,
		Role:    info.Role,
		GUN:     info.Gun,
		Key:     string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})),
	})
}

// decodeKey reads a key of any version there was. Its errors hold no part of
// what it read.
func decodeKey(encoded []byte) (trustmanager.KeyInfo, data.PrivateKey, error) {
	var entry keyEntry
	if err := decodeEntry(encoded, &entry); err != nil {
		return trustmanager.KeyInfo{}, nil, err
	}
	if entry.Version != keyVersion {
		return trustmanager.KeyInfo{}, nil, fmt.Errorf("version %d of a key entry is not known here", entry.Version)
	}
	info := trustmanager.KeyInfo{Role: entry.Role, Gun: entry.GUN}
	if err := checkRole(info); err != nil {
		return trustmanager.KeyInfo{}, nil, err
	}
	key, err := parseKey([]byte(entry.Key))
	return info, key, err
}

func parseKey(text []byte) (data.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("private key is not one PEM block of PKCS#8")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("private key is not PKCS#8") // the cause may quote it
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("private key is not ECDSA P-256")
	}
	return utils.ECDSAToPrivateKey(private)
}

// checkRole holds the rule that a root key has no GUN and any other key one.
func checkRole(info trustmanager.KeyInfo) error {
	if !data.ValidRole(info.Role) {
		return errors.New("key has no TUF role")
	}
	if (info.Role == data.CanonicalRootRole) != (info.Gun == "") {
		return fmt.Errorf("%s key: a root key has no GUN, every other key has one", info.Role)
	}
	return nil
}

// decodeEntry reads one strict JSON object and nothing after it.
func decodeEntry(encoded []byte, entry any) error {
	if len(encoded) > maxEntry {
		return fmt.Errorf("entry is longer than %d bytes", maxEntry)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(entry); err != nil {
		return errors.New("entry is not the JSON object it should be") // the cause may quote it
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("entry goes on after its JSON object")
	}
	return nil
}
