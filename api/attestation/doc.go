// Package attestation is the evidence by which a server shows what it runs in:
// its form on the wire, and the 64 bytes that bind a fresh quote to the keys of
// the server. Server and client share it; docs/attestation.md has both to the
// byte.
//
// It is a pure codec: it holds no key, opens no file and no connection, and
// trusts nothing that it decodes. That evidence decodes says nothing about its
// truth: package client/attest judges that.
package attestation
