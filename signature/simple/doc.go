// Package simple is Red Hat's simple signing: a small JSON payload that binds a
// manifest's digest to a full name, in an OpenPGP signed message
// (containers/image, docs/containers-signature.5.md). Claim is what such a
// signature states, Sign and Open write and read it, and Verifier requires it of
// an image, as `signedBy` in a policy.json does.
//
// # Which name counts
//
// An image that is requested by tag must be signed as exactly that repository and
// tag (policy.json calls it matchExact), one that is requested by digest alone
// under any tag of that repository (matchRepository). The signature must be stored
// with the manifest that the name leads to and name its digest. It holds no time
// until which it is good: anyone who can move a tag can move it back to what was
// signed for it before. A digest in the reference prevents that.
//
// # Where signatures are looked for
//
// In the lookaside store that the caller names, or else in the registry through
// the signature extension API. A registry without it has no signatures.
//
// # What it trusts
//
// The OpenPGP keys that it is given, as long as they have not expired, and the
// machine's clock for that. Registry and lookaside store are not trusted.
//
// # What never happens
//
// A message is never read before the whole of it was verified, a payload with a
// member that is not known never counts, and no signature is taken that is
// detached, clear-signed or made with SHA-1.
package simple
