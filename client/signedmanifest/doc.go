// Package signedmanifest verifies signed manifests in files and reads their
// contents.
//
// It trusts the RSA public key it is given and nothing in the manifest: no file
// is given its name before its signature holds, and nothing of what is in an
// archive becomes a file of its own. It needs no server.
package signedmanifest
