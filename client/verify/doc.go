// Package verify judges one image for somebody who was not there when it was
// built: its signatures, its provenance and bill of materials, and the signed
// manifest of its build, each against the public keys in a trust file that the
// auditor keeps.
//
// The checks are rows of a table (see checks.go): each says what it found and
// what that proves, and docs/verify.md says what it does not prove. A row ends
// in one of three ways: it passed, it failed, or it was not checked. What the
// trust file has a key for is demanded: missing, it fails. Only what the
// auditor leaves out by name (Request.Skip), or has no key for, is not checked,
// and the report says so.
//
// # What it trusts
//
// The trust file, and the machine it runs on. Registry, notary server,
// lookaside store and whoever sent the manifest are believed nothing that is
// not signed. A registry can hide a signature, which fails the row; it can't
// make one.
//
// # What never happens
//
// Nothing is written to a registry or a server, and nobody is asked but the
// image's registry, the notary server that the trust file names and the
// lookaside store that the caller names. Nothing that is checked is executed or
// unpacked. Credentials are in no report and no error.
package verify
