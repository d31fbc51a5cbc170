// Package manifestkey keeps the RSA key that signs manifests.
//
// It trusts the store to seal what it puts there; see server/volume and enclave. The
// key is generated here, in the enclave, and is stored before it is returned: no
// manifest is signed with a key that the next start does not have.
//
// The private key is never written in clear, never logged and never replaced: a
// sealed key that can't be opened is an error.
package manifestkey
