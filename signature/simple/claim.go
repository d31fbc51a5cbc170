package simple

// What is signed: containers-signature(5).

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	claimType = "atomic container signature"
	// maxPayload bounds a payload in bytes; they take some hundred.
	maxPayload = 64 << 10
)

// Claim means that the image called Reference is the manifest with the Digest.
type Claim struct {
	Reference string // in full: host[:port]/namespace/name:tag
	Digest    string // sha256:<64 hex digits>
}

type payload struct {
	Critical critical `json:"critical"`
	Optional optional `json:"optional"`
}

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

// Encode is the payload that states the claim. creator names the program that
// signs.
func (c Claim) Encode(creator string, now time.Time) ([]byte, error) {
	text, err := json.Marshal(payload{
		critical{claimType, image{c.Digest}, identity{c.Reference}},
		optional{creator, now.Unix()},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the signature's payload: %w", err)
	}
	return text, nil
}

// DecodeClaim reads a payload as strictly as the format requires: there are
// exactly two members, nothing unknown is critical, no member comes twice, and
// the time, where there is one, is an integer.
func DecodeClaim(text []byte) (Claim, error) {
	c, err := decodeClaim(text)
	if err != nil {
		return Claim{}, fmt.Errorf("read a signature's payload: %w", err)
	}
	return c, nil
}

func decodeClaim(text []byte) (Claim, error) {
	if len(text) > maxPayload {
		return Claim{}, fmt.Errorf("it is longer than %d bytes", maxPayload)
	}
	top, err := exactly(text, "critical", "optional")
	if err != nil {
		return Claim{}, err
	}
	if err := checkOptional(top["optional"]); err != nil {
		return Claim{}, err
	}
	critical, err := exactly(top["critical"], "type", "image", "identity")
	if err != nil {
		return Claim{}, err
	}
	image, err := exactly(critical["image"], "docker-manifest-digest")
	if err != nil {
		return Claim{}, err
	}
	identity, err := exactly(critical["identity"], "docker-reference")
	if err != nil {
		return Claim{}, err
	}
	var kind string
	var c Claim
	for _, member := range []struct {
		raw  json.RawMessage
		into *string
	}{{critical["type"], &kind}, {image["docker-manifest-digest"], &c.Digest}, {identity["docker-reference"], &c.Reference}} {
		if err := json.Unmarshal(member.raw, member.into); err != nil {
			return Claim{}, err
		}
	}
	if kind != claimType {
		return Claim{}, fmt.Errorf("its type %.100q is not %q", kind, claimType)
	}
	return c, nil
}

// checkOptional lets members pass that are not known: they bind nobody.
func checkOptional(text []byte) error {
	members, err := object(text)
	if err != nil {
		return err
	}
	if raw, there := members["creator"]; there {
		if err := json.Unmarshal(raw, new(string)); err != nil {
			return fmt.Errorf("creator: %w", err)
		}
	}
	if raw, there := members["timestamp"]; there {
		if err := json.Unmarshal(raw, new(int64)); err != nil {
			return fmt.Errorf("timestamp: %w", err)
		}
	}
	return nil
}

// exactly reads an object that has these members and no others.
func exactly(text []byte, names ...string) (map[string]json.RawMessage, error) {
	members, err := object(text)
	if err != nil {
		return nil, err
	}
	for name := range members {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("member %.100q is not known", name)
		}
	}
	for _, name := range names {
		if _, there := members[name]; !there {
			return nil, fmt.Errorf("member %q is missing", name)
		}
	}
	return members, nil
}

// object reads one JSON object. encoding/json alone would take a member twice,
// and a name in other letters for the same.
func object(text []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil, errors.Join(errors.New("it is no JSON object"), err)
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder takes nothing else for a name
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("member %.100q is there twice", name)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if decoder.InputOffset() != int64(len(bytes.TrimRight(text, " \t\r\n"))) {
		return nil, errors.New("something follows the JSON object")
	}
	return members, nil
}
