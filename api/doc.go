// Package api is the vocabulary of the wire: paths, parameters, statuses,
// replies and error codes, spelled here and nowhere else, for the server and
// for every client of it.
//
// It trusts nothing: parameters are checked key by key before they become a
// Parameters value. It does no input or output, keeps no state, and imports no
// other package of this module, so that a client can be built from it alone.
//
// The vocabulary is that of IBM's Hyper Protect Secure Build, so that its stock
// client works unchanged; what is added beyond it is marked "addition".
package api
