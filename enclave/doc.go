// Package enclave holds the secrets of one server image: the image secret and
// the OpenPGP private key, both delivered by the contract. With them it seals
// and unseals the files of the data volume, decrypts the server's TLS key, and
// derives the keys of state images.
//
// It trusts the memory of the machine it runs in, and nothing else: a sealed
// text is authenticated before any of it is returned. No secret leaves the
// package in a log, in an error, or in a return value other than the one
// documented to hold it. It imports no other package of this module. Only the
// server's main chooses the enclave; every other package receives it through an
// interface that it defines itself.
//
// An enclave may also hold the secrets of earlier server images (rotation).
// These unseal what those images sealed, and never seal.
//
// Package enclave also reads the evidence of the machine: the attestation
// record of the Hyper Protect runtime, or a TDX or SEV-SNP quote from
// configfs-tsm. It verifies neither.
//
// A simulated enclave (Simulate) stores its secrets unencrypted in a folder. It
// protects nothing, and its evidence has the kind "simulated".
package enclave
