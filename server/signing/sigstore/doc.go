// Package sigstore signs an image as sigstore's cosign does, with a key of its own:
// a bundle (sigstore/protobuf-specs, v0.3) that is attached to the image as an OCI
// 1.1 referrer, or, for readers that know no bundles such as podman, the older
// signature in the tag sha256-<hex>.sig. There is no certificate and no
// transparency log: verifiers are given the public key.
//
// # The key
//
// One ECDSA P-256 key for everything a key store signs, made at first use and
// sealed as "sigstore/key" before anything is signed with it. Signatures are
// deterministic (RFC 6979), so signing an image again writes the same bytes,
// and the registry keeps them once.
//
// # What a signature states
//
// A bundle names a digest, not a tag: a tag that is moved to another image
// leads to that image's signatures, or to none. A legacy signature names one
// tag each; cosign ignores that, podman does not.
//
// # What it trusts
//
// The registry to keep what it is given, which is read back as a verifier reads
// it. What is there already, others' signatures among it, stays: an index or a
// tag is added to, and read again when another writer that began before is done,
// so that of two who sign one image at the same moment neither is lost.
//
// # What never happens
//
// No private key is written in clear, and nothing is sent to anyone but the
// image's own registry.
package sigstore
