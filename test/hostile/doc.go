//go:build stack

// Package hostile tests the build server, as it runs in production, against
// malicious clients: invalid handshakes, certificates that are not the client's,
// and, with the client's own key, thousands of malformed requests. Each must be
// refused cleanly, and must leave no goroutines, descriptors, memory or long log
// entries in the server.
//
// The requests are generated from a seed, which is logged; SEED=1 go test ...
// generates the same ones again. Tests that need no stack (slow clients, floods of
// silent connections) are in package server, and test/e2e too tests which
// certificates are accepted.
//
// The benchmark compares builds: alone, during a flood of hostile connections to
// the server, and during the same flood to another server, which shows what the
// flood itself costs the machine. The flood is a process of its own.
//
// It holds tests only. It trusts the harness, openssl as a TLS client, and the
// server's metrics of its own process.
package hostile
