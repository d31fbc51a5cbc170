package advice

import "errors"

// Error is an error with a sentence that says what to do next. Its text is the
// cause alone: whoever shows it decides where the advice goes.
type Error struct {
	cause error
	next  string
}

// New joins cause and next. next is one sentence without a full stop.
func New(cause error, next string) *Error {
	return &Error{cause: cause, next: next}
}

func (e *Error) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Next says what to do next.
func (e *Error) Next() string { return e.next }

// Next returns the advice of the first error in err's tree that has any, or "".
// An error of another package takes part by a method Next() string.
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
