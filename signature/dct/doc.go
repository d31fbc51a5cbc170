// Package dct checks an image with Docker Content Trust: it resolves a tag to
// the digest that was signed for it in the trust data (TUF metadata) of its
// repository on a notary server, as `docker pull` does with
// DOCKER_CONTENT_TRUST=1, or checks that a digest is one of those. It reads and
// never signs.
//
// # What is resolved
//
// The trust data alone decides which digest a tag has: the role targets/releases
// first, then targets, and no other delegation, which is docker's rule. The
// registry is not queried; where its tag leads elsewhere, the digest that was
// signed is the one to pull. A reference with a tag and a digest is refused unless
// the tag was signed for that digest.
//
// # What it trusts
//
// A root key that the caller names (Root). Where none is named, the root that
// is seen first, which the caller's StateStore stores: from then on another one is
// refused, even one that the old one signed, until the caller names it. The
// It must not be forged. It also keeps the highest versions that were seen,
// so that trust data which is older, however validly signed, is refused. What
// was never seen can't be missed: a first check without a Root proves only
// that the image is the one that the server's administrator wants us to have.
//
// # What never happens
//
// No server is assumed: it must be named, and is never Docker's own. No
// metadata is written to disk here, and expired trust data never counts.
package dct
