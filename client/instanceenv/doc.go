// Package instanceenv generates the four values of the contract's env section from
// which a server reads its certificates.
//
// It trusts the OpenPGP public key that it is given: the holder of the private key,
// which must be only the server image, can decrypt the server's TLS key. The TLS key
// leaves this package only encrypted.
package instanceenv
