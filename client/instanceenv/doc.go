// Package instanceenv makes the four values of the contract's env section that
// a server gets its certificates from.
//
// It trusts the OpenPGP public key it is given: whoever has the private half,
// which is to be the server image alone, can read the server's TLS key. The TLS
// key itself leaves this package only encrypted.
package instanceenv
