package bundle

// The in-toto statement (in-toto/attestation, spec/v1/statement.md).

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	// earlierType is the type that cosign attest still writes; its fields are the same.
	earlierType = "https://in-toto.io/Statement/v0.1"
)

// SignPredicate is the predicate type of an image's signature as cosign makes it:
// the statement contains only its subject.
const SignPredicate = "https://sigstore.dev/cosign/sign/v1"

// Statement is an in-toto statement: a predicate about its subjects.
type Statement struct {
	// Subjects are the artifacts that the statement is about, at least one.
	Subjects []Subject
	// PredicateType is the URI of the type of Predicate.
	PredicateType string
	// Predicate is a JSON object of that type; an empty one is written as {}.
	Predicate json.RawMessage
}

// Subject is one artifact, identified by its digest.
type Subject struct {
	// Name distinguishes subjects; it may be empty.
	Name string `json:"name,omitempty"`
	// Digest holds hexadecimal digests by algorithm, such as "sha256".
	Digest map[string]string `json:"digest"`
}

// About reports whether the image with the SHA-256 digest (hexadecimal) is a
// subject of s.
func (s Statement) About(hexDigest string) bool {
	return slices.ContainsFunc(s.Subjects, func(subject Subject) bool {
		return hexDigest != "" && subject.Digest["sha256"] == hexDigest
	})
}

type statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

func (s Statement) encode() ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	predicate := s.Predicate
	if len(predicate) == 0 {
		predicate = json.RawMessage("{}")
	}
	text, err := json.Marshal(statement{statementType, s.Subjects, s.PredicateType, predicate})
	if err != nil {
		return nil, fmt.Errorf("encode the statement: %w", err)
	}
	return text, nil
}

func decodeStatement(text []byte) (Statement, error) {
	var read statement
	if err := json.Unmarshal(text, &read); err != nil {
		return Statement{}, fmt.Errorf("read the statement: %w", err)
	}
	if read.Type != statementType && read.Type != earlierType {
		return Statement{}, fmt.Errorf("read the statement: its type %.100q is not %s", read.Type, statementType)
	}
	s := Statement{read.Subject, read.PredicateType, read.Predicate}
	return s, s.validate()
}

func (s Statement) validate() error {
	switch {
	case len(s.Subjects) == 0:
		return errors.New("the statement has no subject")
	case slices.ContainsFunc(s.Subjects, func(subject Subject) bool { return len(subject.Digest) == 0 }):
		return errors.New("the statement has a subject without a digest")
	case s.PredicateType == "":
		return errors.New("the statement has no predicate type")
	}
	return nil
}
