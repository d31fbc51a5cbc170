//go:build stack

// Package gate stands between two parts of the stack, for tests of what happens
// when one of them is slow, breaks off in mid-sentence, or is gone. No part knows
// of it: a gate is a TCP or Unix proxy that reads what passes and changes none of
// it.
//
// It decides by what is said and how much, never by the time: whatever the speed
// of the machine, a test stops a build at the same place.
package gate
