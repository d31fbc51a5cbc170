//go:build stack

// Package suite is what the tests over a whole stack have in common: a stack that
// all tests of a package share, its developer, and a look at the machine's
// processes.
//
// It trusts the stack. Nothing of the server's inside is known here: what is
// common to the tests is the side of those who use it.
package kit
