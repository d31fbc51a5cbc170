// Package certs makes the certificates of the mutual TLS between client and
// server: an authority, a client certificate, a server certificate. It also
// checks the ones that are there, made here, by the stock client or by their
// owner, before they are used or deployed.
//
// It trusts the authority's key file and the clock. A private key is written
// with mode 0600 into a folder with mode 0700, is never printed, and is never
// overwritten by a client certificate's renewal.
package certs
