package advice

import "errors"

// Error is an error with a sentence of advice on what to do next. Its text is only
// the cause: the caller that prints it decides where to print the advice.
type Error struct {
	cause error
	next  string
}

// New returns an Error with that cause and that advice. next is one sentence without
// a full stop.
func New(cause error, next string) *Error {
	return &Error{cause: cause, next: next}
}

func (e *Error) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Next returns the advice.
func (e *Error) Next() string { return e.next }

// Next returns the advice of the first error in err's tree that has any, or "".
// Errors of other packages provide advice with a method Next() string.
func Next(err error) string {
	var adviser interface {
		error
		Next() string
	}
	if errors.As(err, &adviser) {
		return adviser.Next()
	}
	return ""
}
