//go:build stack

// Package gate injects faults between two parts of the stack: a gate is a TCP or
// Unix proxy that can hold data, limit the rate, cut connections after a number of
// bytes, or refuse them.
//
// It triggers on the content and the number of bytes, never on the time, so that a
// test stops a build at the same point on any machine. It never changes the data
// that it forwards.
package gate
