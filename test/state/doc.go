//go:build stack

// Package state tests that the state of a server survives faults, with the real
// programs on a local stack of real parts.
//
// Recovery: a server is replaced by a new one, which has the same server image and
// an empty volume, and its state is imported with the guide's commands. Volume: it
// is full, read-only or damaged, and then repaired; where its size matters, the
// test mounts a small file system. Retention: older builds are removed for newer
// ones.
//
// It holds tests only. It trusts the harness, and docker to verify which key signed
// an image.
package state
