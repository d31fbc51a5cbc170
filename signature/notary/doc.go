// Package notary reads the trust data (TUF metadata) of one repository from a
// notary server: for those who sign there, and for those who check what others
// signed. notary's own client does the verifying; this package is the way to
// the server, and says whose repository it is and how new.
//
// # What it trusts
//
// Nothing that the server says. Roots answers what the server claims; Load
// believes only what is signed down from the root keys that its caller names.
//
// # What never happens
//
// No metadata is written to disk. No password or token gets into an error or a
// log. Credentials never travel over plain HTTP except to loopback. Docker's own
// notary is never contacted. A request is tried once, within bounds of time and
// size, and none outlives its context.
package notary
