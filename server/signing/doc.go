// Package signing has the types that all signing methods share: the request to sign an
// image, and the public key that a verifier needs. Each method is a package beneath it;
// none of them imports another.
//
// It trusts nothing: an Image is checked before anything is done with it.
// No key, network or file is ever touched here.
package signing
