package signature

// Why an image is refused: one type for each thing that a reader would do about
// it. Every Verify wraps its reason in an *Error, which names the image.

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a check that failed.
type Error struct {
	Image  Reference // as it was requested
	Method string    // one of api.Signing*
	Err    error     // the reason
}

func (e *Error) Error() string {
	return fmt.Sprintf("verify the image %s (%s): %v", e.Image, e.Method, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// AbsentError is an image that its registry does not have.
type AbsentError struct{}

func (*AbsentError) Error() string { return "the registry has no such image" }

// UnsignedError is an image that nobody signed.
type UnsignedError struct {
	Where string // "the registry", or the name of a notary server
}

func (e *UnsignedError) Error() string {
	return "it is not signed: " + e.Where + " has no signature for it"
}

// OtherKeyError is an image that somebody else signed.
type OtherKeyError struct {
	Want string // the id of the key that was required
}

func (e *OtherKeyError) Error() string {
	return "it is signed, but not with the key " + e.Want
}

// OtherNameError is a signature by the right key that was made for another
// repository or tag than the requested one.
type OtherNameError struct {
	Signed string // the name that was signed
}

func (e *OtherNameError) Error() string {
	return fmt.Sprintf("it is signed under another name, %.200q", e.Signed)
}

// OtherDigestError is a signature by the right key for another image than the
// one that the name leads to: a tag that was moved, or a signature that was
// copied.
type OtherDigestError struct {
	Signed string // the digest that was signed or required; empty where many are signed
	Found  string // the digest that the name leads to
}

func (e *OtherDigestError) Error() string {
	if e.Signed == "" {
		return "none of the repository's signed tags leads to " + e.Found
	}
	return fmt.Sprintf("the name leads to %s and not to %.100s: the tag was moved, or the signature made for another image", e.Found, e.Signed)
}

// MalformedError is a signature by the right key over a text that can't be
// parsed.
type MalformedError struct{ Err error }

func (e *MalformedError) Error() string { return fmt.Sprintf("its signature is malformed: %v", e.Err) }

func (e *MalformedError) Unwrap() error { return e.Err }

// RolledBackError is signed trust data that is older than what was seen before.
type RolledBackError struct {
	Role      string // the file of trust data: root, targets, snapshot or timestamp
	Seen, Got int    // its versions
}

func (e *RolledBackError) Error() string {
	return fmt.Sprintf("its trust data went back in time: %s is at version %d and was at %d", e.Role, e.Got, e.Seen)
}

// RootChangedError is trust data that is rooted in another key than before, or
// than the one that was required.
type RootChangedError struct {
	Want  string   // the key that was required, or seen first
	Found []string // the first few of the keys there; empty where none is sound
}

func (e *RootChangedError) Error() string {
	found := "another key"
	if len(e.Found) > 0 {
		found += " (" + strings.Join(e.Found, ", ") + ")"
	}
	return "its trust data is rooted in " + found + " than " + e.Want
}

// ExpiredError is trust data past its end.
type ExpiredError struct{ Err error }

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("its trust data has expired: %v", e.Err)
}

func (e *ExpiredError) Unwrap() error { return e.Err }

// UnreachableError is a server that could not be talked to.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach %s: %v", e.Server, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// CertificateError is a server whose certificate is not taken.
type CertificateError struct {
	Server string
	Err    error
}

func (e *CertificateError) Error() string {
	return fmt.Sprintf("cannot verify the certificate of %s: %v", e.Server, e.Err)
}

func (e *CertificateError) Unwrap() error { return e.Err }

// AccessError is a server that requires other credentials.
type AccessError struct {
	Server string
	Status int // of HTTP: 401 or 403; 0 when there were no credentials to send
}

func (e *AccessError) Error() string {
	if e.Status == 0 {
		return e.Server + " asks for a user name and a password"
	}
	return fmt.Sprintf("%s refuses the user name and password (HTTP status %d)", e.Server, e.Status)
}

// ForbiddenError is a request that a server refuses to this user, whose
// credentials it takes.
type ForbiddenError struct {
	Server string
	Err    error // names the request
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("%s forbids this request to this user (HTTP status 403): %v", e.Server, e.Err)
}

func (e *ForbiddenError) Unwrap() error { return e.Err }

// ReferrerError is a registry that does not keep a referrer, such as a sigstore
// bundle, where verifiers find it.
type ReferrerError struct {
	Server string
	Err    error
}

func (e *ReferrerError) Error() string {
	return fmt.Sprintf("%s does not keep what is attached to an image where verifiers find it: %v", e.Server, e.Err)
}

func (e *ReferrerError) Unwrap() error { return e.Err }

// MostSpecific returns the one of several refusals to report: that the right key
// signed something else is more specific than that another key signed as well.
func MostSpecific(reasons []error) error {
	best, rank := error(nil), 0
	for _, reason := range reasons {
		if r := specificity(reason); r > rank {
			best, rank = reason, r
		}
	}
	return best
}

func specificity(reason error) int {
	var (
		digest    *OtherDigestError
		name      *OtherNameError
		malformed *MalformedError
		key       *OtherKeyError
	)
	switch {
	case reason == nil:
		return 0
	case errors.As(reason, &name):
		return 5
	case errors.As(reason, &digest):
		return 4
	case errors.As(reason, &malformed):
		return 3
	case errors.As(reason, &key):
		return 2
	}
	return 1
}
