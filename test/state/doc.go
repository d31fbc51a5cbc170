//go:build stack

// Package state tests the recovery of a server, in the words of the guide: the
// programs as they are built, on a local stack of real parts. The server that
// is lost and the new one share their image, and nothing else.
//
// It holds tests only. It trusts the harness, and docker as the judge of what
// was signed with which key.
package state
