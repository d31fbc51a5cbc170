package stateimage

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Keys derives the keys of state images. The enclave implements it.
type Keys interface {
	SecretID() []byte // 8 bytes
	HasSecret(secretID []byte) bool
	StateKey(secretID, developerSecret, salt []byte) ([]byte, error)
}

// Reasons for which an image does not open. The text of each is for the user and names the remedy.
var (
	ErrNotState        = errors.New("this is not a state image: give the file that get-state-image wrote")
	ErrVersion         = errors.New("this state image has a version that this server does not know: use a newer server image")
	ErrTruncated       = errors.New("the state image is cut short: fetch or copy it again, whole")
	ErrChanged         = errors.New("the state image was changed: fetch or copy it again, as it was exported")
	ErrDeveloperSecret = errors.New("the state image was exported with another SECRET, or its header was changed: use the sbs-config.json of that time")
	ErrImageSecret     = errors.New("the state image was exported by another server image: only a server with the same image secret opens it")
	ErrTooLarge        = fmt.Errorf("the state does not fit a state image, which has at most %d bytes", MaxText)
)

const (
	magic        = "SBSSTATE"
	version      = 1
	idSize       = 8
	saltSize     = 32
	checkSize    = 16
	nonceSize    = 12
	idOffset     = len(magic) + 2
	saltOffset   = idOffset + idSize
	checkOffset  = saltOffset + saltSize
	nonceOffset  = checkOffset + checkSize
	lengthOffset = nonceOffset + nonceSize
	headerSize   = lengthOffset + 4

	checkInfo = "opensbs state image developer check v1"
)

// Seal returns a state image of state, under both secrets.
func Seal(keys Keys, developerSecret []byte, state State) (string, error) {
	header := make([]byte, headerSize)
	if _, err := rand.Read(header[saltOffset:lengthOffset]); err != nil {
		return "", fmt.Errorf("seal state image: %w", err)
	}
	return seal(keys, developerSecret, state, header)
}

// seal completes a header that already holds salt and nonce, and returns the image.
func seal(keys Keys, developerSecret []byte, state State, header []byte) (string, error) {
	if err := state.check(); err != nil {
		return "", fmt.Errorf("seal state image: %w", err)
	}
	plain, err := json.Marshal(state)
	if err != nil {
		return "", fmt.Errorf("seal state image: %w", err)
	}
	copy(header, magic)
	binary.BigEndian.PutUint16(header[len(magic):], version)
	copy(header[idOffset:saltOffset], keys.SecretID())
	check, err := developerCheck(developerSecret, header)
	if err != nil {
		return "", fmt.Errorf("seal state image: %w", err)
	}
	copy(header[checkOffset:], check)
	aead, err := cipherOf(keys, developerSecret, header)
	if err != nil {
		return "", fmt.Errorf("seal state image: %w", err)
	}
	length := len(plain) + aead.Overhead()
	if length > maxBody {
		return "", fmt.Errorf("seal state image: %w", ErrTooLarge)
	}
	binary.BigEndian.PutUint32(header[lengthOffset:], uint32(length))
	sealed := aead.Seal(bytes.Clone(header), header[nonceOffset:lengthOffset], plain, header)
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// Open authenticates and decodes a state image. Its errors wrap those above.
func Open(keys Keys, developerSecret []byte, text string) (State, error) {
	raw, err := decode(text)
	if err != nil {
		return State{}, err
	}
	header, body := raw[:headerSize], raw[headerSize:]
	check, err := developerCheck(developerSecret, header)
	if err != nil {
		return State{}, fmt.Errorf("open state image: %w", err)
	}
	if !keys.HasSecret(header[idOffset:saltOffset]) {
		return State{}, ErrImageSecret
	}
	if subtle.ConstantTimeCompare(check, header[checkOffset:nonceOffset]) != 1 {
		return State{}, ErrDeveloperSecret
	}
	aead, err := cipherOf(keys, developerSecret, header)
	if err != nil {
		return State{}, fmt.Errorf("open state image: %w", err)
	}
	plain, err := aead.Open(nil, header[nonceOffset:lengthOffset], body, header)
	if err != nil {
		return State{}, ErrChanged
	}
	var state State
	if err := json.Unmarshal(plain, &state); err != nil {
		return State{}, errors.New("open state image: its content is not a state")
	}
	if err := state.check(); err != nil {
		return State{}, fmt.Errorf("open state image: %w", err)
	}
	return state, nil
}

// decode returns the bytes of an image after checking its form and its length.
func decode(text string) ([]byte, error) {
	if len(text) > MaxText {
		return nil, ErrTooLarge
	}
	whole := len(text) / 4 * 4
	raw, err := base64.StdEncoding.Strict().DecodeString(text[:whole])
	begin := raw[:min(len(raw), len(magic))]
	switch {
	case string(begin) != magic[:len(begin)], len(begin) < len(magic) && err != nil:
		return nil, ErrNotState
	case err != nil:
		return nil, ErrChanged
	case len(raw) < headerSize:
		return nil, ErrTruncated
	case binary.BigEndian.Uint16(raw[len(magic):]) != version:
		return nil, ErrVersion
	}
	length := int(binary.BigEndian.Uint32(raw[lengthOffset:headerSize]))
	switch have := len(raw) - headerSize; {
	case have < length:
		return nil, ErrTruncated
	case have > length || whole != len(text):
		return nil, ErrChanged
	}
	return raw, nil
}

func developerCheck(developerSecret, header []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, developerSecret, header[saltOffset:checkOffset], checkInfo, checkSize)
}

func cipherOf(keys Keys, developerSecret, header []byte) (cipher.AEAD, error) {
	key, err := keys.StateKey(header[idOffset:saltOffset], developerSecret, header[saltOffset:checkOffset])
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
