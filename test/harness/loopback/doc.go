// Package loopback runs HTTP servers on 127.0.0.1 with a port the system
// chose, and makes the certificate such a server shows.
//
// It trusts the machine it runs on: whoever can reach the loopback interface
// can reach these servers. It never listens on another interface, and a key
// that it makes never leaves the process.
package loopback
