package verify

// The difference between a verdict and a check that could not be made.

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/opensbs/sbs/signature"
)

// NotVerifiedError is an image that did not pass. Report.Judged reports whether that
// is a verdict.
type NotVerifiedError struct{ Report Report }

func (e *NotVerifiedError) Error() string {
	return fmt.Sprintf("verify %s: %s", e.Report.Image, e.Report.Verdict())
}

// Next returns what to do next.
func (e *NotVerifiedError) Next() string {
	if !e.Report.Judged {
		return "provide what the lines that failed could not read, and try again; don't run the image before it passed"
	}
	return "don't run the image; ask its builder about the lines that failed"
}

// Err returns a *NotVerifiedError unless the image passed.
func (r Report) Err() error {
	if r.Outcome == Passed {
		return nil
	}
	return &NotVerifiedError{r}
}

// judged reports whether the outcome is a verdict: the image passed, or a row
// failed for what was found. Where no row failed, the kind of enclave did.
func (r Report) judged() bool {
	failed := false
	for _, row := range r.Checks {
		if row.Outcome == Failed && !row.Unread {
			return true
		}
		failed = failed || row.Outcome == Failed
	}
	return !failed || r.Enclave != "" && r.denied()
}

// missingError is something that an auditor has to give and did not.
type missingError struct{ reason string }

func (e *missingError) Error() string { return e.reason }

// unread reports whether a check failed because a server or a file could not be
// read, or something was not given. That an image, which is there, lacks a
// signature or a statement is a finding.
func unread(err error) bool {
	var (
		missing     *missingError
		file        *fs.PathError
		absent      *signature.AbsentError
		unreachable *signature.UnreachableError
		certificate *signature.CertificateError
		access      *signature.AccessError
		forbidden   *signature.ForbiddenError
	)
	return errors.As(err, &missing) || errors.As(err, &file) || errors.As(err, &absent) || errors.As(err, &unreachable) ||
		errors.As(err, &certificate) || errors.As(err, &access) || errors.As(err, &forbidden)
}
