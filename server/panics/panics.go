// Package panics turns a panic in a goroutine into an error: a fault of the server,
// or of a library that reads what a repository or a registry sent, must fail one
// build and not end the server with everybody's.
//
// It is for the goroutines of a build only. HTTP handlers have the recovery of
// net/http. A fatal error of the Go runtime, such as memory that ran out, can't be
// caught.
package panics

import (
	"fmt"
	"runtime/debug"
)

// Error is a panic that was caught. Its text may contain anything that the panic's
// value contains, secrets included: it must be redacted before it is shown.
type Error struct {
	Value any
	Stack []byte // of the goroutine that panicked: addresses, not contents
}

func (e *Error) Error() string {
	return fmt.Sprintf("the server has a fault, and this build met it: %v: please report it with what the server's log has of it", e.Value)
}

// Catch calls do and returns its error, or its panic as an *Error. Every goroutine
// needs a call of its own.
func Catch(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Error{value, debug.Stack()}
		}
	}()
	return do()
}
