// Package attest verifies the evidence of a server: whether it is the enclave that
// its user expects, before the user sends it a secret.
//
// It trusts the files that a policy names (certificates, the contract, keys,
// expected measurements), the roots of Intel and AMD that their libraries carry
// where a policy names none, and the key that the server proved to hold in the
// TLS handshake. It trusts nothing in the evidence until it is proven. It opens
// no connection: what a check needs from elsewhere, such as Intel's collateral,
// is a file too.
//
// What is not expected in so many words is refused: a kind of evidence that is
// not required, a quote without a measurement to hold it against, a record
// without the contract it was made from.
package attest
