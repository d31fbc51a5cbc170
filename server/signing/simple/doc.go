// Package simple signs image tags by Red Hat's simple signing: a small JSON payload
// that binds a manifest's digest to a full name, in an OpenPGP signed message
// (containers/image, docs/containers-signature.5.md). `skopeo`, `podman` and cri-o
// require it with `signedBy` in their policy.json, and so does `images.rhs` of a
// Hyper Protect contract.
//
// # The key
//
// One RSA-4096 key for everything a key store signs, version 4 and SHA-256 or
// better, because GnuPG 2.2 is what verifies. It is made at first use and sealed
// as "simple/key" before anything is signed with it. It never expires: there is
// no way to replace it in every policy.json and contract, so an expiry
// would only turn images that run into images that don't start; a key that is
// no longer trusted is taken out of the policy.
//
// # Where signatures go
//
// To the registry, where it has the signature extension API
// (X-Registry-Supports-Signatures), else to the Store this server keeps. One
// signature for each tag; a tag that has ours for this digest already gets no
// second one.
//
// # What never happens
//
// No private key is written in clear, and nothing that a registry returns is
// trusted: a stored signature counts as ours only after it was verified with
// our key.
package simple
