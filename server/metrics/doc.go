// Package metrics counts what a server does, for Prometheus.
//
// Its labels are few and known beforehand: routes, methods, status codes, steps
// and results. No name, address, reference or value that a user or a repository
// chose ever becomes a label. It keeps nothing between two starts, and takes no
// part in any decision.
package metrics
