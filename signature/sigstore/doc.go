// Package sigstore verifies an image as sigstore's cosign does, with a public key
// and without a transparency log: bundles that are attached to the image as OCI 1.1
// referrers, or through the fallback tag sha256-<hex>, and the older signatures in
// the tag sha256-<hex>.sig.
//
// # Which name counts
//
// A bundle names a digest and neither repository nor tag: it means that this
// image is signed, wherever it is stored. A tag that is moved to another image that
// the same key signed passes; a reference with a digest prevents that. The older form
// names a repository, or a repository and a tag, and what it names must be what
// was asked for.
//
// # What it trusts
//
// The key that it is given. Which referrers there are, their types and their
// annotations are the registry's word; it can hide a signature and make none.
//
// # What never happens
//
// Certificates, transparency logs and timestamps are not read, and nobody but
// the image's registry is queried. More than a fixed number of referrers, and
// bundles that are too long, are errors and not looked at in part.
package sigstore
