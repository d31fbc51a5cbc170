// Package metrics counts what a server does, for Prometheus.
//
// Its labels are few and fixed: routes, methods, status codes, steps and results.
// No name, address, reference or value that a user or a repository chose ever
// becomes a label. It stores nothing between two starts of the server, and no
// decision depends on it.
package metrics
