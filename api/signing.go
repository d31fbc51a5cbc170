package api

import (
	"encoding/json"
	"slices"
	"strings"
)

// The signing methods: the values of IMAGE_SIGNING, and the names of signatures in
// records and replies.
const (
	SigningDCT            = "dct"             // Docker Content Trust, on a notary server
	SigningSimple         = "simple"          // Red Hat simple signing, OpenPGP
	SigningSigstore       = "sigstore"        // a sigstore bundle, as an OCI referrer
	SigningSigstoreLegacy = "sigstore-legacy" // a sigstore signature in the tag sha256-<hex>.sig
)

var signingMethods = []string{SigningDCT, SigningSimple, SigningSigstore, SigningSigstoreLegacy}

// Methods is IMAGE_SIGNING. On the wire it is a list, or one text with commas.
type Methods []string

// Signing returns the signing methods of the image, in order: the value of
// IMAGE_SIGNING, or Docker Content Trust by default if there is a notary server, or
// otherwise the two methods that need none. The push registry itself is not a notary
// server: IBM's guide names it as one for images with simple signing. The result is
// never empty.
func (p Parameters) Signing() []string {
	switch {
	case len(p.ImageSigning) > 0:
		return p.ImageSigning
	case p.TrustPushServer != "" && !p.trustServerIsRegistry():
		return []string{SigningDCT}
	}
	return []string{SigningSimple, SigningSigstore}
}

// trustServerIsRegistry reports whether the notary server is the push registry, by
// host and port. Another port of the host can be a notary server's.
func (p Parameters) trustServerIsRegistry() bool {
	return p.TrustPushServer != "" && hostOf(p.TrustPushServer) == hostOf(p.Registry())
}

// hostOf reduces the spellings of a server's address to one: lower case host, and
// port unless it is the usual one of https.
func hostOf(server string) string {
	host := strings.ToLower(server)
	host = strings.TrimPrefix(host, "https://")
	host, _, _ = strings.Cut(host, "/")
	host = strings.TrimSuffix(host, ":443")
	return strings.TrimSuffix(host, ".")
}

// methods reads IMAGE_SIGNING. An empty list is refused; it does not mean
// "unsigned".
func methods(raw json.RawMessage) (Methods, string) {
	given, problem := someOf(signingMethods, "signing method", raw)
	if problem == "" && len(given) == 0 {
		problem = "is empty, and an image is never pushed unsigned; leave it out for the default"
	}
	return given, problem
}

// checkSigning refuses what can't be done, before anything is built.
func (p *Parameters) checkSigning() error {
	if slices.Contains(p.ImageSigning, SigningDCT) && p.TrustPushServer == "" {
		return &ParameterError{
			Key:     "IMAGE_SIGNING",
			Problem: "names dct, but DOCKER_CONTENT_TRUST_PUSH_SERVER names no notary server, and notary.docker.io, the default of the original, shuts down on 8 December 2026",
			Takes:   "dct with a notary server of your own in DOCKER_CONTENT_TRUST_PUSH_SERVER, or simple and sigstore, which need none",
		}
	}
	return nil
}
