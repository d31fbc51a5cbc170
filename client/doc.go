// Package client speaks to a Secure Build Server over mutual TLS 1.3: one method
// a route, replies as values of package api, big ones as streams.
//
// It trusts one authority, the one in certs.Identity, and nothing that the
// server sends: replies are bounded, names that become files are checked.
// Parameters and secrets never appear in its errors. Proxies are those of
// HTTPS_PROXY and NO_PROXY, as for the stock client; the TLS goes through them
// end to end.
//
// Beneath it: config reads sbs-config.json, certs makes certificates,
// instanceenv the server's environment, verify checks manifests.
package client
