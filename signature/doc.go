// Package signature has the types that all verifiers of image signatures share: the
// request, the result, and the errors for refused images. The verifiers are the packages
// beneath it: dct, simple and sigstore, each with a Verifier of the same shape:
//
//	Verify(ctx context.Context, request signature.Request) (signature.Verified, error)
//
// # What is verified
//
// Everything that the reference names: with a tag, the image must be signed for that
// tag; with a digest, it must have that digest. A reference with a digest alone may be
// signed under any tag of its repository. The verified object is the manifest that the
// reference resolves to, which is an index if the image is for several platforms: its
// digest covers everything beneath it.
//
// # What it trusts
//
// The key that the caller provides. Registries, lookaside stores and notary servers are
// untrusted; only signed data from them is accepted.
//
// # What never happens
//
// Nothing is written to a registry or a notary server. No request is sent to a server
// other than those that the caller names or the image's registry redirects to. An image
// without a signature never passes. This package itself uses no network, and no
// credential is part of an error.
package signature
