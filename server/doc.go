// Package server serves the Hyper Protect Secure Build protocol over HTTP: mutual
// TLS, one file for each route, and the mapping of errors to status codes, which
// happens in errors.go and nowhere else. What the routes do is in the packages
// beneath: parameters, transfer, pipeline, history, volume.
//
// It trusts a request only when its TLS 1.3 client certificate has the key of the
// one configured client and was issued by the configured CA. The sizes of bodies,
// the number of connections and all times are bounded. Parameters are checked before
// anything is stored. The package never builds anything itself, never returns a
// secret other than the read-only registry password, which config-json exists for,
// and never logs a body.
package server
