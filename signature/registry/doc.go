// Package registry opens one repository of an image registry, for the signers and
// verifiers whose signatures are stored there: with the caller's credentials, within
// bounds, and until the caller's context ends.
//
// The registry is untrusted and may be down at any time: the size of its responses is
// bounded here, and the caller verifies their content. Credentials and
// signatures never travel over plain HTTP except to loopback, whatever a
// challenge or a redirect names, and are never part of an error.
package registry
