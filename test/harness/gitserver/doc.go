// Package gitserver serves Git repositories over SSH and HTTPS on loopback, for
// tests and for the local stack. The listeners are in this process and run the
// machine's git, so that a client talks to real Git, and Close stops everything.
//
// It trusts its caller and the git binary. It listens on 127.0.0.1 only, serves only
// repositories below its root, only for reading, and over SSH only clients with an
// authorized key. It is not secure enough for a network.
package gitserver
