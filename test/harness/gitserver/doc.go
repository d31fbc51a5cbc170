// Package gitserver serves Git repositories over SSH and HTTPS on loopback, for
// tests and for the local stack: the machine's own git behind listeners of this
// process, so that a client meets the real server and nothing is left running.
//
// It trusts its caller and the git binary. It listens on 127.0.0.1 only, serves
// only repositories below its root, only for reading, and over SSH only to the
// keys it was given. It is no server for a network.
package gitserver
