// Package signedmanifest checks signed manifests that lie in files, and takes them
// apart for whoever reads them.
//
// It trusts the RSA public key it is given and nothing in the manifest: no file
// is given its name before its signature holds, and nothing of what is in an
// archive becomes a file of its own. It needs no server.
package signedmanifest
