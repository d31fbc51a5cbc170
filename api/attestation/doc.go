// Package attestation encodes and decodes the evidence by which a server proves
// the environment in which it runs, and computes the 64 bytes (report data) that
// bind a fresh quote to the keys of the server. Server and client share it;
// docs/attestation.md specifies both formats to the byte.
//
// It is a pure codec: it holds no key, opens no file and no connection, and
// trusts nothing that it decodes. Evidence that decodes is not verified: package
// client/attest verifies it.
package attestation
