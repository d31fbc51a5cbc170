// Package proxy is a forward proxy on loopback, as companies have: it requires a
// user name and a password, opens tunnels (HTTP CONNECT) to the hosts of its list,
// and records them. The names of its hosts are in no DNS, so that they are
// reachable through the proxy only.
package proxy
