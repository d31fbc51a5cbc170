package simple

// What is signed: containers-signature(5).

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

const payloadType = "atomic container signature"

type payload struct {
	Critical critical `json:"critical"`
	Optional optional `json:"optional"`
}

// critical is what verifiers compare; they reject a member they do not know.
type critical struct {
	Type     string   `json:"type"`
	Image    image    `json:"image"`
	Identity identity `json:"identity"`
}

type image struct {
	Digest string `json:"docker-manifest-digest"`
}

type identity struct {
	Reference string `json:"docker-reference"`
}

type optional struct {
	Creator   string `json:"creator"`
	Timestamp int64  `json:"timestamp"` // seconds since 1970
}

// claim says that the image called reference is the manifest with that digest.
func claim(reference, digest string) critical {
	return critical{Type: payloadType, Image: image{digest}, Identity: identity{reference}}
}

func (c critical) encode(creator string, now time.Time) ([]byte, error) {
	text, err := json.Marshal(payload{c, optional{creator, now.Unix()}})
	if err != nil {
		return nil, fmt.Errorf("encode the signature's payload: %w", err)
	}
	return text, nil
}

// decodeClaim reads a payload as strictly as verifiers do.
func decodeClaim(text []byte) (critical, error) {
	var read payload
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return critical{}, fmt.Errorf("decode a signature's payload: %w", err)
	}
	return read.Critical, nil
}
