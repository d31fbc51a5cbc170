package api

import (
	"encoding/json"
	"slices"
	"strings"
)

// The attestations that every build makes: the values of ATTESTATIONS.
const (
	AttestationProvenance = "provenance" // SLSA provenance, v1
	AttestationSBOM       = "sbom"       // an SPDX 2.3 document
)

// PredicateSPDX is the predicate type of an SPDX document in an in-toto statement
// (in-toto/attestation, spec/predicates/spdx.md).
const PredicateSPDX = "https://spdx.dev/Document"

// KeyOfAttestations is listed with the signing methods in replies: its key
// verifies the image's attestations, and it is the one of SigningSigstore.
const KeyOfAttestations = "attestations"

var attestations = []string{AttestationProvenance, AttestationSBOM}

// Attestations is ATTESTATIONS, in the forms of IMAGE_SIGNING. Unlike there, an
// empty list has a meaning of its own: none is published.
type Attestations []string

// Published are the attestations that go to the registry; the manifest has all
// of them in any case.
func (p Parameters) Published() []string {
	if p.Attestations == nil {
		return attestations
	}
	return p.Attestations
}

func attestationList(raw json.RawMessage) (Attestations, string) {
	given, problem := someOf(attestations, "attestation", raw)
	return given, problem
}

// someOf reads names out of those that are known: a list, or one text with
// commas, which is what environments and simple forms can hold.
func someOf(known []string, what string, raw json.RawMessage) (given []string, problem string) {
	var list []string
	var text string
	if json.Unmarshal(raw, &text) == nil {
		list = strings.Split(text, ",")
	} else if json.Unmarshal(raw, &list) != nil {
		return nil, "is neither a list of texts nor a text"
	}
	given = []string{}
	for _, name := range list {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(known, name):
			return nil, quoted(name) + " is no " + what
		case slices.Contains(given, name):
			return nil, quoted(name) + " is there twice"
		}
		given = append(given, name)
	}
	return given, ""
}
