// Package signing holds what the ways of signing an image share: what is signed
// and what a verifier needs afterwards. The ways themselves are the packages
// beneath it, one each; none of them knows another.
//
// It trusts nothing: an Image is checked before anything is done with it.
// No key, network or file is ever touched here.
package signing
