package public

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// ErrPrivate means that a text holds a private key.
var ErrPrivate = errors.New("holds a private key: it takes public things only, and publishes them; give the public half, and replace the key if the text was sent or shown to anybody")

// MaxText bounds a text, in bytes.
const MaxText = 4 << 20

// Types of PEM blocks.
const (
	TypeCertificate = "CERTIFICATE"
	TypeKey         = "PUBLIC KEY"

	TypeRevocationList = "X509 CRL"
)

// private are the first lines of private keys: PEM and OpenPGP ("PGP PRIVATE KEY
// BLOCK"), SSH2 with four dashes, PuTTY's and age's.
var private = regexp.MustCompile(`(?i)-{3,}[ \t]*BEGIN[^\n]*PRIVATE|PuTTY-User-Key-File|AGE-SECRET-KEY-1`)

// Check returns ErrPrivate when text holds a private key: in PEM, as OpenPGP
// packets, or as the base64 of either or of bare DER.
func Check(text []byte) error {
	if len(text) > MaxText {
		return fmt.Errorf("is longer than %d MiB", MaxText>>20)
	}
	if isPrivate(text) {
		return ErrPrivate
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err == nil && isPrivate(decoded) {
		return ErrPrivate
	}
	return nil
}

func isPrivate(text []byte) bool {
	if private.Match(text) || isPrivateDER(text) || hasSecretPackets(bytes.NewReader(text)) {
		return true
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if isPrivateDER(block.Bytes) {
			return true
		}
	}
	return slices.ContainsFunc(bytes.Split(text, []byte("-----BEGIN PGP "))[1:], func(armored []byte) bool {
		block, err := armor.Decode(io.MultiReader(strings.NewReader("-----BEGIN PGP "), bytes.NewReader(armored)))
		return err == nil && hasSecretPackets(block.Body)
	})
}

func isPrivateDER(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, ec := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || ec == nil
}

// Tags of OpenPGP packets (RFC 9580, section 5).
const (
	tagSecretKey    = 5
	tagSecretSubkey = 7
)

// hasSecretPackets reports whether one of the OpenPGP packets in r is of a private
// key. What are no packets has none.
func hasSecretPackets(r io.Reader) bool {
	packets := packet.NewOpaqueReader(r)
	for {
		one, err := packets.Next()
		if err != nil {
			return false
		}
		if one.Tag == tagSecretKey || one.Tag == tagSecretSubkey {
			return true
		}
	}
}

// begin is the first line of a PEM block, well-formed or not.
var begin = regexp.MustCompile(`-----BEGIN ([^\n-]*)-----`)

// PEM returns the blocks of text, which are of the given types and at least one.
// Another block is an error, and so is one that can't be read.
func PEM(text []byte, types ...string) ([]*pem.Block, error) {
	if err := Check(text); err != nil {
		return nil, err
	}
	for _, line := range begin.FindAllSubmatch(text, -1) {
		if !slices.Contains(types, string(line[1])) {
			return nil, fmt.Errorf("holds another PEM block than %s: take it out", strings.Join(types, " and "))
		}
	}
	var blocks []*pem.Block
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block)
	}
	switch begun := bytes.Count(text, []byte("-----BEGIN ")); {
	case begun == 0:
		return nil, fmt.Errorf("holds no PEM block %s", strings.Join(types, " or "))
	case begun != len(blocks):
		return nil, fmt.Errorf("holds %d PEM blocks of which %d can be read", begun, len(blocks))
	}
	return blocks, nil
}

// Certificates checks that text is PEM of certificates, at least one. Those that
// this program can't read, such as old ones with a negative serial number, are
// passed over as long as they are certificates.
func Certificates(text []byte) error {
	blocks, err := PEM(text, TypeCertificate)
	if err != nil {
		return err
	}
	for i, block := range blocks {
		if !isCertificate(block.Bytes) {
			return fmt.Errorf("block %d is marked as a certificate and is none", i+1)
		}
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return errors.New("holds no certificate that can be read")
	}
	return nil
}

// ParseCertificates returns the certificates in text, at least one and all of them
// readable.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	blocks, err := PEM(text, TypeCertificate)
	if err != nil {
		return nil, err
	}
	certificates := make([]*x509.Certificate, len(blocks))
	for i, block := range blocks {
		if certificates[i], err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("holds a certificate (number %d) that can't be read: %w", i+1, err)
		}
	}
	return certificates, nil
}

// Certificate returns the one certificate in text.
func Certificate(text []byte) (*x509.Certificate, error) {
	certificates, err := ParseCertificates(text)
	if err != nil {
		return nil, err
	}
	if len(certificates) != 1 {
		return nil, fmt.Errorf("holds %d certificates, it takes one", len(certificates))
	}
	return certificates[0], nil
}

// RevocationList returns the one revocation list in text, PEM or DER.
func RevocationList(text []byte) (*x509.RevocationList, error) {
	der, err := oneOf(text, TypeRevocationList)
	if err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("holds no revocation list: %w", err)
	}
	return list, nil
}

// oneOf returns the bytes of the one PEM block in text, or all of a text that is
// no PEM.
func oneOf(text []byte, kind string) ([]byte, error) {
	if !begin.Match(text) {
		return text, Check(text)
	}
	blocks, err := PEM(text, kind)
	if err != nil {
		return nil, err
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("holds %d PEM blocks %s, it takes one", len(blocks), kind)
	}
	return blocks[0].Bytes, nil
}

// isCertificate reports whether der has the outer form of one (RFC 5280, section
// 4.1).
func isCertificate(der []byte) bool {
	var outer struct {
		Signed    asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &outer)
	return err == nil && len(rest) == 0 && outer.Signed.Tag == asn1.TagSequence && outer.Algorithm.Tag == asn1.TagSequence
}

// Key returns the DER of the one public key (SubjectPublicKeyInfo) in text.
func Key(text []byte) ([]byte, error) {
	blocks, err := PEM(text, TypeKey)
	if err != nil {
		return nil, err
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("holds %d public keys, it takes one", len(blocks))
	}
	return blocks[0].Bytes, nil
}
