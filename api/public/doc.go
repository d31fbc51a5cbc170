// Package public reads what is meant for everybody: CA certificates, public keys,
// known_hosts.
//
// Such texts are handed on as they were given: parameters are published in the
// build record and the provenance, keys in trust files. Many tools write private
// and public halves into one file, and readers that look for the half they want
// pass over the other. Here nothing is passed over: a text that holds a private
// key anywhere is refused.
//
// It trusts nothing. No error holds a part of the text.
package public
