// Package notaryserver runs a real notary-server for the local stack.
//
// It starts the notary-server program (Debian's package "notary") as a child
// process on a free port of 127.0.0.1, with TLS and a certificate generated for
// this run, with metadata and keys in the memory of the child (trust service
// "local"). It writes all files (certificate and key, configuration, log) to the
// folder that it gets.
//
// It trusts the machine it runs on. It is for tests and demonstrations only: its
// trust data is lost when it stops, it never listens on anything but loopback, and
// it does not authenticate its clients.
package notaryserver
