package contract

// The encrypted form of a section: PREFIX.PASSWORD.TEXT, both in base64. PASSWORD
// is encrypted to the platform with RSA and PKCS #1 v1.5, TEXT with what
// `openssl enc -aes-256-cbc -pbkdf2` makes of the password. The runtime requires
// all of it: https://cloud.ibm.com/docs/vpc?topic=vpc-about-contract_se

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// OpenSSL's format: the magic, a salt of 8 bytes, AES-256-CBC with PKCS #7
// padding; key and IV are 48 bytes of PBKDF2-HMAC-SHA256.
const (
	saltMagic   = "Salted__"
	saltSize    = 8
	keySize     = 32
	iterations  = 10_000
	randomBytes = 32 // in a password
)

// maxToken bounds an encrypted section, in bytes.
const maxToken = 16 << 20

// ErrNotToken means that a text is not an encrypted section.
var ErrNotToken = errors.New("not an encrypted section: hyper-protect-basic or contract-basic, and two base64 texts, with dots between them")

// token is an encrypted section taken apart.
type token struct {
	prefix         string
	password, text []byte // both encrypted
}

func parseToken(value string) (token, error) {
	parts := strings.Split(value, ".")
	if len(value) > maxToken || len(parts) != 3 || parts[0] != prefixHyperProtect && parts[0] != prefixContract {
		return token{}, ErrNotToken
	}
	t := token{prefix: parts[0]}
	var err error
	if t.password, err = base64.StdEncoding.Strict().DecodeString(parts[1]); err != nil {
		return token{}, ErrNotToken
	}
	if t.text, err = base64.StdEncoding.Strict().DecodeString(parts[2]); err != nil {
		return token{}, ErrNotToken
	}
	body := len(t.text) - len(saltMagic) - saltSize
	if len(t.password) == 0 || !bytes.HasPrefix(t.text, []byte(saltMagic)) || body <= 0 || body%aes.BlockSize != 0 || t.String() != value {
		return token{}, ErrNotToken
	}
	return t, nil
}

func (t token) String() string {
	encode := base64.StdEncoding.EncodeToString
	return t.prefix + "." + encode(t.password) + "." + encode(t.text)
}

// encrypt makes the encrypted section of a text for a platform.
func encrypt(platform Platform, key *rsa.PublicKey, text string) (string, error) {
	random := make([]byte, randomBytes)
	salt := make([]byte, saltSize)
	for _, drawn := range [][]byte{random, salt} {
		if _, err := rand.Read(drawn); err != nil {
			return "", err
		}
	}
	// openssl reads the password as a line, so it may hold neither LF nor NUL.
	password := base64.StdEncoding.EncodeToString(random)
	//lint:ignore SA1019 The runtime takes no other padding; nobody learns whether one is right.
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, key, []byte(password))
	if err != nil {
		return "", err
	}
	block, iv, err := derive(password, salt)
	if err != nil {
		return "", err
	}
	padding := aes.BlockSize - len(text)%aes.BlockSize
	body := append([]byte(text), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(body, body)
	return token{platform.prefix(), sealed, append(append([]byte(saltMagic), salt...), body...)}.String(), nil
}

// Open decrypts an encrypted section, or an attestation record that was
// encrypted in the same form, with the private key it was encrypted to. The form
// authenticates nothing: anyone who has the public key could have made it.
func Open(value string, key *rsa.PrivateKey) ([]byte, error) {
	t, err := parseToken(value)
	if err != nil {
		return nil, fmt.Errorf("open section: %w", err)
	}
	//lint:ignore SA1019 The runtime makes no other padding.
	password, err := rsa.DecryptPKCS1v15(nil, key, t.password)
	if err != nil {
		return nil, fmt.Errorf("open section: it was encrypted to another key: %w", err)
	}
	block, iv, err := derive(string(password), t.text[len(saltMagic):len(saltMagic)+saltSize])
	if err != nil {
		return nil, fmt.Errorf("open section: %w", err)
	}
	body := t.text[len(saltMagic)+saltSize:]
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(body, body)
	padding := int(body[len(body)-1])
	if padding == 0 || padding > aes.BlockSize || !bytes.Equal(body[len(body)-padding:], bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errors.New("open section: it is damaged")
	}
	return body[:len(body)-padding], nil
}

func derive(password string, salt []byte) (cipher.Block, []byte, error) {
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, keySize+aes.BlockSize)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key[:keySize])
	return block, key[keySize:], err
}
