// Package manifest is the codec of the signed manifest: the archive of
// everything that went into one build, and the signature over it. The server
// writes it, clients and auditors verify it.
//
// It trusts only the RSA public key that a verifier brings. It opens no files
// and no connections, keeps no keys, and never reads the clock: the same
// contents give the same bytes. docs/manifest.md describes the format for
// people with tar and openssl.
//
// # Format
//
// A manifest of the name N = "manifest.<build name>" is the file N.sig.tbz:
//
//	N.sig.tbz = bzip2(tar(N.tbz, N.sig))
//	N.tbz     = bzip2(tar(data/build.json, data/build.log, A, git/...))
//	A         = data/provenance.sigstore.json, data/sbom.sigstore.json, data/sbom.spdx.json
//	N.sig     = lower-case hex of RSASSA-PKCS1-v1_5 with SHA-256 over D
//	D         = the 32 bytes of SHA-256(N.tbz)
//
// A is missing in manifests of earlier servers, and never there in part. D is the
// message that is signed, so it is hashed once more by the signature
// scheme (RFC 8017, section 8.2). Both archives are POSIX.1-2001 (pax) with
// members in byte order of their names, owner 0:0, one time for all members,
// and modes 0644 or 0755 (0777 for symbolic links). Both bzip2 files are
// concatenations of streams that each hold so many bytes of the archive (the
// last one the rest): 900,000 in N.tbz, and 100,000 in N.sig.tbz, where nothing
// is left to compress. Streams can be made on all cores at once; bzip2(1), tar(1)
// and Python read them as one. Package bzip2 in this folder makes them, and documents
// what is in them.
package manifest
