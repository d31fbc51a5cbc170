// Package baseimage decides which images a build may start from. For each
// image from outside that a Dockerfile names, it finds the rule that covers it,
// verifies the image and resolves its name to a digest, once. It returns the Dockerfile
// with those digests in it (package dockerfile), which is what is built.
//
// It trusts its verifiers and the digests that they return: a name is resolved
// nowhere else. It trusts neither the Dockerfile nor the registry: what it reads there
// of a verified image is compared with its digest.
//
// An image that no rule covers is never used. No name is resolved twice, because the
// second result could be another image. No account is sent to another registry than
// its own.
package baseimage
