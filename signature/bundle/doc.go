// Package bundle writes and reads sigstore bundles (sigstore/protobuf-specs,
// v0.3): a DSSE v1.0 envelope around an in-toto v1 statement, signed with a key
// that the reader knows, without a certificate and without a transparency log.
// What the statement says of its subjects, the predicate, is its writer's and
// its reader's affair: an image's signature, its provenance, its parts.
//
// # What it trusts
//
// Nothing but the key that Open is given: nothing is read from a statement
// before its signature was verified. The bundle's own hint which key that is
// counts for nothing.
//
// # What never happens
//
// No network, file or clock is touched. An envelope with no signature or with
// several, a bundle of another kind or version, and one longer than MaxSize
// are errors.
package bundle
