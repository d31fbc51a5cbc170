// Package signature holds what the ways of checking a signature that others
// made share: what is asked, what is answered, and why an image is refused. The
// ways themselves are the packages beneath it: dct, simple and sigstore, each
// with a Verifier of the same shape:
//
//	Verify(ctx context.Context, request signature.Request) (signature.Verified, error)
//
// # What a check asks for
//
// All that the reference names: with a tag, what was signed for that tag; with a
// digest, that digest. A reference with a digest alone may be signed under any
// tag of its repository. What is verified is the manifest that the reference
// leads to, which is an index where the image is for several platforms: its
// digest covers everything beneath it.
//
// # What it trusts
//
// The key that the caller brings. Registries, lookaside stores and notary
// servers hold what they like; nothing that they answer is believed unsigned.
//
// # What never happens
//
// Nothing is written to a registry or a notary server, nothing is asked of a
// server that the caller did not name or the image's own registry did not send
// it to, and an image without a signature is never an image that passes. No
// network is touched in this package itself, and no credential gets into an
// error.
package signature
