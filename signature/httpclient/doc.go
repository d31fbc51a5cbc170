// Package httpclient makes the HTTP transports of the server and of the verifier: for
// registries, notary servers, object stores, Git hosts and Git LFS.
//
// [New] is the only place where such a transport is made, so that CA certificates,
// the TLS minimum, timeouts of connecting and the bound of response headers are the
// same for all. [Bounded] ends requests with the caller's context and when they make
// no progress, and limits the size of responses; [Retrying] repeats requests that a
// busy server refuses.
//
// It trusts no server: certificates are verified, against the pool that the caller
// gives. It never skips that verification, holds no credentials, reads no
// environment but the proxy variables, and never logs.
package httpclient
