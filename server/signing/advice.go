package signing

// What a failure of the server that takes signatures means in the names of our
// parameters.

import (
	"errors"
	"fmt"

	"github.com/opensbs/sbs/signature"
)

// Advise adds to an error on the way to a registry what to do about it. Any
// other error stays as it is.
func Advise(err error) error {
	var (
		access      *signature.AccessError
		forbidden   *signature.ForbiddenError
		referrer    *signature.ReferrerError
		certificate *signature.CertificateError
	)
	switch {
	case errors.As(err, &access):
		return fmt.Errorf("%w: check DOCKER_USER and DOCKER_PASSWORD, and that this user may push the repository", err)
	case errors.As(err, &referrer):
		return fmt.Errorf("%w: ATTESTATIONS [] with IMAGE_SIGNING simple or sigstore-legacy attaches nothing", err)
	case errors.As(err, &forbidden):
		return fmt.Errorf("%w: check that DOCKER_USER may push the repository", err)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: its authority must be in the operator's SBS_CA_BUNDLE", err)
	}
	return err
}
