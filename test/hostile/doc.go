//go:build stack

// Package hostile sends to the build server, as it runs in production, what no
// honest client sends: handshakes that are none, certificates that are not the
// client's, and, with the client's own key, thousands of malformed requests. It
// looks for anything but a clean refusal, and for what is left in the server
// afterwards: goroutines, descriptors, memory, lines in its log.
//
// The requests come out of a seed, which is printed; SEED=1 go test ... draws
// the same ones again. What needs no stack (clients that never get done, floods
// of silent connections) is tested in package server, and which certificates are
// let in also in test/e2e.
//
// The benchmark measures a build beside hostile clients, which are a process of their own, in pairs:
// alone, beside a flood against the server, and beside the same flood against
// another server, which shows what the flood's own work takes from the machine.
//
// It holds tests only. It trusts the harness, openssl as a judge of TLS, and the
// metrics that the server tells of its own process.
package hostile
