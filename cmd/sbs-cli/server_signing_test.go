//go:build linux

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// The keys of all servers of the scripts. Servers make their own; these are made once,
// because that takes longer than most scripts.

// manifestKeys returns a store with a sealed manifest key.
var manifestKeys = sync.OnceValues(func() (*memstore.Store, error) {
	store := memstore.New()
	_, err := manifestkey.Open(store)
	return store, err
})

func sealManifestKey(secrets volume.Secrets) error {
	store, err := manifestKeys()
	if err != nil {
		return err
	}
	for name, key := range store.Entries {
		if err := secrets.Put(name, key); err != nil {
			return err
		}
	}
	return nil
}

// imageKeys returns the public key of each signing method.
var imageKeys = sync.OnceValues(func() (map[string]verify.Key, error) {
	keys := map[string]verify.Key{}
	for method, generate := range map[string]func() (string, error){
		api.SigningDCT: rootCertificate, api.SigningSimple: openPGPKey, api.SigningSigstore: ellipticKey,
	} {
		text, err := generate()
		if err != nil {
			return nil, fmt.Errorf("make a key of %s: %w", method, err)
		}
		if keys[method], err = verify.NewKey(method, text); err != nil {
			return nil, fmt.Errorf("make a key of %s: %w", method, err)
		}
	}
	return keys, nil
})

func ellipticKey() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// rootCertificate returns the root key of a notary repository as root.json has it.
func rootCertificate() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "docker.io/ns/name"}, NotBefore: firstStart, NotAfter: firstStart.AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), err
}

func openPGPKey() (string, error) {
	entity, err := openpgp.NewEntity("signer", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return firstStart }})
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
	if err != nil {
		return "", err
	}
	if err := entity.Serialize(w); err != nil {
		return "", err
	}
	err = w.Close()
	return out.String(), err
}

// sign returns what the record has of the image's signatures and attestations, and
// stores two simple signatures in the lookaside store.
func (b *build) sign() ([]record.Signature, []record.Attestation, error) {
	keys, err := imageKeys()
	if err != nil {
		return nil, nil, err
	}
	var signatures []record.Signature
	for _, method := range b.parameters.Signing() {
		signatures = append(signatures, record.Signature{Method: method, PublicKeyID: keys[method].ID, PublicKey: keys[method].Key})
		if method != api.SigningSimple || b.begun > 1 {
			continue
		}
		name := b.parameters.DockerRepo + "@" + strings.Replace(imageDigest, ":", "=", 1)
		for _, signature := range []string{"signature 1\n", "signature 2\n"} {
			if err := b.data.Lookaside().AddSignature(name, []byte(signature)); err != nil {
				return nil, nil, err
			}
		}
	}
	var attestations []record.Attestation
	for _, name := range []string{api.AttestationProvenance, api.AttestationSBOM} {
		key := keys[api.SigningSigstore]
		attestations = append(attestations, record.Attestation{Name: name, PublicKeyID: key.ID, PublicKey: key.Key})
	}
	return signatures, attestations, nil
}
