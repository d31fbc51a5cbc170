// Package loopback runs HTTP servers on free ports of 127.0.0.1, and makes their
// certificates.
//
// It trusts the machine it runs on: every process that can reach the loopback
// interface can reach these servers. It never listens on another interface, and a
// key that it makes never leaves the process.
package loopback
