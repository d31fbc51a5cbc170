package main

// The exit codes: only this file decides on them. docs/verify.md has the table.

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client/attest"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/client/verify"
)

// Exit codes.
const (
	exitDone     = 0 // a command that verifies: everything that is required passed
	exitFailed   = 1 // any other error
	exitUsage    = 2 // the command line was not understood
	exitRefused  = 3 // verified, and did not pass
	exitUnjudged = 4 // could not verify: something could not be fetched or read, or is missing
)

// unjudgedError is the error of a command that verifies. It is no verdict unless it
// wraps one of the packages verify, attest and signedmanifest.
type unjudgedError struct{ cause error }

func (e unjudgedError) Error() string { return e.cause.Error() }
func (e unjudgedError) Unwrap() error { return e.cause }

// judging marks the errors of an action that verifies an image, a manifest or a
// server.
func judging(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error { return unjudged(action(c)) }
}

func unjudged(err error) error {
	if err == nil {
		return nil
	}
	return unjudgedError{err}
}

// exitCode returns the exit code for the error of a command.
func exitCode(err error) int {
	var (
		usage usageError
		judge unjudgedError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case refused(err):
		return exitRefused
	case errors.As(err, &judge):
		return exitUnjudged
	}
	return exitFailed
}

// refused reports whether err is a verdict: everything that it takes to verify was
// there, and it did not pass.
func refused(err error) bool {
	var (
		image    *verify.NotVerifiedError
		server   *attest.Refusal
		manifest *signedmanifest.Refusal
	)
	switch {
	case errors.As(err, &image):
		return image.Report.Judged
	case errors.As(err, &server):
		return server.Judged()
	}
	return errors.As(err, &manifest)
}
