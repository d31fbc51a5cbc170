//go:build stack

// Package kit holds the helpers of the tests that run on a whole stack: they start
// the stack, act as its developer (client, configuration, parameters), hold a
// build at a gate, and check the engine, the data volume and the machine's
// processes.
//
// It trusts the stack. It never uses internals of the server: it sees what a
// client, an engine and a file system show.
package kit
