// Package notaryserver runs a real notary-server for the local stack.
//
// It starts the notary-server program (Debian's package "notary") as a child
// process on a free port of 127.0.0.1, over TLS with a certificate made for this
// one run, with metadata in memory and keys in the child (trust service "local").
// Everything it writes (certificate and key, configuration, log) stays in
// the folder it is given.
//
// It trusts the machine it runs on. It is for tests and demonstrations only:
// what is published to it is gone when it stops, it never listens on anything
// but loopback, and it never asks its clients who they are.
package notaryserver
