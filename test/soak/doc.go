//go:build stack

// Package soak makes one build server build for a long time, while the systems around
// it fail at random moments and 64 clients poll it. About half of the builds have no
// fault, so that the server is also seen to recover. Every build that fails must report
// a cause that fits the fault. At the end nothing of the builds may remain, in the
// server or outside of it.
//
// The faults and their moments are drawn from a seed, which is printed first; make soak
// BUILDS=200 SEED=1 repeats a run as far as the timing of the machine allows.
//
// It contains tests only. It trusts the harness, the kernel's figures of the server
// process and the engine's lists. Of the server's own reports it relies only on the
// number of goroutines. The engine belongs to the test, and is run as the server runs
// one: it is killed and restarted, and the machine's engine is not.
package soak
