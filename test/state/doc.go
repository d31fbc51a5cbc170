//go:build stack

// Package state tests that what a server knows survives, with the programs as
// they are built, on a local stack of real parts.
//
// A server is lost and recovered in the words of the guide; the new one shares
// its image with the old one, and nothing else. A data volume is full, read-only
// or damaged, and mended; where its size matters it is a small file system of its
// own, which is mounted for the test. Older builds make room for new ones.
//
// It holds tests only. It trusts the harness, and docker as the judge of what
// was signed with which key.
package state
