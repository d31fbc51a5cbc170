// Package proxy is a forward proxy on loopback, as a company has one: it wants a
// user and a password, makes tunnels (HTTP CONNECT) to the hosts that it knows,
// and tells which it was asked for. It knows hosts by names that no resolver
// has, so that whoever reaches them has come through it.
package proxy
