// Package server is the HTTP face of the Secure Build Server: mutual TLS, the
// routes of the Hyper Protect Secure Build protocol, and the one place where an
// error becomes a status code.
//
// It trusts a request only when its TLS 1.3 client certificate carries the key
// of the one client it was configured with, issued by the one CA it was
// configured with. Bodies and times are bounded. Parameters are checked before
// anything is stored. It never builds anything itself, never answers a secret
// but the read-only registry password that config-json exists for, and never
// logs a body.
package server
