package advice

import "errors"

// Error is an error with what its reader can do next: a sentence, or a Code for
// which the program that prints the error has a sentence. Its text is only the
// cause: the program decides where to print the advice.
type Error struct {
	cause error
	next  string
	code  Code
}

// Code identifies a situation whose advice names commands or flags of a program,
// which a library does not know.
type Code string

// New returns an Error with that cause and that advice. next is one sentence without
// a full stop.
func New(cause error, next string) *Error {
	return &Error{cause: cause, next: next}
}

// Coded returns an Error with that cause and the code of its advice.
func Coded(cause error, code Code) *Error {
	return &Error{cause: cause, code: code}
}

func (e *Error) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Next returns the advice, or "" where it has a code.
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

// CodeOf returns the code of the outermost *Error in err's tree, or "".
func CodeOf(err error) Code {
	var coded *Error
	if errors.As(err, &coded) {
		return coded.code
	}
	return ""
}
