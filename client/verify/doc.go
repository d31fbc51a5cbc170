// Package verify verifies one image for an auditor who was not there when it was
// built: its signatures, its provenance and SBOM, and the signed manifest of its
// build, each with the public keys in a trust file that the auditor keeps.
//
// The checks are rows of a table (checks.go). Each reports what it found and what
// that proves; docs/verify.md lists what it does not prove. A row has one of three
// outcomes: passed, failed, not checked. What the trust file has a key for is
// required: where it is missing, its row fails. Only what the auditor leaves out by
// name (Request.Skip), or has no key for, is not checked, and the report names it.
//
// # What it trusts
//
// The trust file, and the machine it runs on. Registry, notary server, lookaside
// store and the sender of the manifest are untrusted: only signed data from them is
// accepted. A registry can hide a signature, which fails the row; it can't make one.
//
// # What never happens
//
// Nothing is written to a registry or a server. Only the image's registry, the notary
// server that the trust file names, and the lookaside store and the build server that
// the request names are contacted. Nothing that is checked is executed or unpacked.
// Credentials are in no report and no error.
package verify
