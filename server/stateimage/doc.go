// Package stateimage encodes and decodes state images, the form in which the state
// of a server is exported. It is a pure codec: it works on bytes and keys, and does
// not use a volume, a request or a clock.
//
// A state image is text: the standard base64 (RFC 4648, section 4) of
//
//	offset  bytes  what
//	     0      8  "SBSSTATE"
//	     8      2  version, 1; all numbers have the highest byte first
//	    10      8  id of the image secret: SHA-256("opensbs image secret id" ‖ secret)[:8]
//	    18     32  salt, random
//	    50     16  check value of the developer's secret
//	    66     12  nonce, random
//	    78      4  length of the rest
//	    82      …  AES-256-GCM (NIST SP 800-38D) ciphertext and 16-byte tag
//
// The first 82 bytes are the additional data of the ciphertext, so all of it is
// authenticated. The plain text is the JSON form of State.
//
// The key is HKDF-SHA256 (RFC 5869) over both secrets with the salt; only the
// enclave derives it (enclave.StateKey), and the image secret never leaves the
// enclave.
// The check value is HKDF-SHA256 over the developer's secret alone, with the
// salt and the info "opensbs state image developer check v1", 16 bytes. It
// distinguishes a wrong secret from a changed image. An attacker could test guesses
// with it, but SECRET has 128 random bytes and can't be guessed.
//
// The package trusts its caller with the plain text, and does not trust the image:
// nothing of the image is returned before it is authenticated, and its size is
// bounded.
package stateimage
