//go:build stack

// Package soak lets one build server build for a long time, while everything
// around it fails at moments that nobody chose and 64 clients ask it how it is.
// About half of the builds are left in peace, so that the server is also seen to
// recover. Every build that fails must say why, in a way that fits what was
// broken; at the end nothing may be left of any of them, in the server or beside
// it.
//
// The faults and their moments come out of a seed, which is printed first;
// make soak BUILDS=200 SEED=1 repeats a run as far as the machine lets it.
//
// It holds tests only. It trusts the harness, the kernel's figures of the server
// process and the engine's lists; of what the server says of itself it believes
// the number of its goroutines. The engine is one of the test's own, run as the
// server runs its own: it is killed and started again, and the machine's is not.
package soak
