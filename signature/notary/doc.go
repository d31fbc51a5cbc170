// Package notary reads the trust data (TUF metadata) of one repository from a
// notary server, for signers and for verifiers. The client library of notary
// verifies it; this package connects to the server, and returns the root keys of
// the repository and the versions of its files.
//
// # What it trusts
//
// Nothing that the server sends. Roots returns unverified claims of the server;
// Load accepts only data with a chain of signatures from the root keys that its
// caller passes.
//
// # What never happens
//
// No metadata is written to disk. No password or token gets into an error or a
// log. Credentials never travel over plain HTTP except to loopback. Docker's own
// notary is never contacted. A request is tried once, within bounds of time and
// size, and none outlives its context.
package notary
