package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/IBM/ibm-cos-sdk-go/aws/awserr"
)

// Kinds of failure, for errors.Is.
var (
	ErrNoBucket = errors.New("no such bucket")
	ErrNoObject = errors.New("no such object")
	ErrRefused  = errors.New("credentials refused")
	ErrFull     = errors.New("quota exhausted")
	ErrTooLarge = errors.New("object too large")
)

// Error reports a failed transfer. Its text names the bucket and what to do next, and
// holds no secret.
type Error struct {
	Operation string
	Bucket    string
	Problem   string // what happened, and what to do next
	kind      error  // one of the kinds above, or the cause
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: bucket %s: %s", e.Operation, e.Bucket, e.Problem)
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.kind }

// explain returns an Error for an error of the SDK. The text of the SDK is not used,
// because a store may quote in it what it received.
func (s *Store) explain(ctx context.Context, operation string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", operation, context.Cause(ctx))
	}
	failed := &Error{Operation: operation, Bucket: s.bucket, kind: err}
	var response awserr.RequestFailure
	var failure awserr.Error
	switch {
	case errors.Is(err, errAPIKey):
		failed.kind, failed.Problem = ErrRefused, "the token service refuses the API key: correct "+s.prefix+"COS_API_KEY_ID (or COS_API_KEY_ID), and run update"
	case errors.As(err, &response):
		failed.Problem, failed.kind = s.refusal(response)
	case errors.As(err, &failure):
		failed.Problem = "no response from the store: check " + s.prefix + "COS_ENDPOINT and " + s.prefix + "COS_AUTH_ENDPOINT, and whether the server can reach them"
		if cause := failure.OrigErr(); cause != nil {
			failed.Problem += " (" + cause.Error() + ")"
		}
	default:
		failed.Problem = err.Error()
	}
	return failed
}

func (s *Store) refusal(response awserr.RequestFailure) (problem string, kind error) {
	code, status := response.Code(), response.StatusCode()
	switch {
	case code == "NoSuchBucket":
		return "there is no such bucket: create it, or correct " + s.prefix + "BUCKET_NAME and run update", ErrNoBucket
	case code == "NoSuchKey":
		return "there is no such object in it: list the bucket, and give the name as it is listed", ErrNoObject
	case status == http.StatusInsufficientStorage || strings.Contains(strings.ToLower(code), "quota"):
		return "its quota is used up: raise the quota, or remove objects that are not needed", ErrFull
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fmt.Sprintf("access is refused (%s): check that the credentials in %sCOS_* may read and write this bucket, and that %sCOS_RESOURCE_CRN names its instance", code, s.prefix, s.prefix), ErrRefused
	case status == http.StatusNotFound:
		return "the store finds nothing there (404): check " + s.prefix + "BUCKET_NAME and " + s.prefix + "COS_ENDPOINT", ErrNoBucket
	}
	return fmt.Sprintf("the store returns %d %s: try again later, or see its own status", status, code), response
}
