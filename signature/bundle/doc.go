// Package bundle writes and reads sigstore bundles (sigstore/protobuf-specs,
// v0.3): a DSSE v1.0 envelope around an in-toto v1 statement, signed with a key
// that the reader knows, without a certificate and without a transparency log.
// The package does not interpret the predicate of a statement, such as a
// signature, a provenance or an SBOM.
//
// # What it trusts
//
// Only the key that is passed to Open: nothing is read from a statement before its
// signature was verified. The key hint in the bundle is ignored.
//
// # What never happens
//
// No network, file or clock is touched. An envelope with no signature or with
// several, a bundle of another kind or version, and one longer than MaxSize
// are errors.
package bundle
