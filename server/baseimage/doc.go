// Package baseimage decides which images a build may start from. It goes over a
// Dockerfile, finds for each image from outside the rule that covers it, has
// the image verified and its name resolved to a digest, once, and answers the
// Dockerfile with those digests in it (package dockerfile), which is what is to
// be built.
//
// It trusts the verifiers that it is given, and the digests that they answer:
// a digest is looked up nowhere else. It trusts neither the Dockerfile nor the
// registry: what it reads there of a verified image is checked against its
// digest.
//
// What never happens: an image that no rule covers is never taken, an image is
// never looked up twice, so that it can't be another one the second time, and
// no credential is sent to another registry than its own.
package baseimage
