package dct

// One place that decides what a failure of the library means.

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/docker/distribution/registry/client/auth"
	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/signed"
)

// explain turns a failure into the error type that says what to do about it.
// One it does not know, or that has such a type already, stays as it is.
func explain(err error) error {
	var wrapper storage.NetworkError
	onTheWay := errors.As(err, &wrapper)
	if onTheWay {
		err = wrapper.Wrapped // the wrapper itself does not unwrap
	}
	var (
		status  *statusError
		cert    *tls.CertificateVerificationError
		network net.Error
		expired signed.ErrExpired
		ended   data.ErrCertExpired
		few     signed.ErrInsufficientSignatures
		none    signed.ErrNoKeys
	)
	switch {
	case errors.Is(err, auth.ErrNoBasicAuthCredentials):
		return &AccessError{}
	case errors.As(err, &status) && (status.status == 401 || status.status == 403):
		return &AccessError{Status: status.status}
	case status != nil:
		return &UnreachableError{Err: status}
	case errors.As(err, &cert):
		return &CertificateError{Err: err}
	case errors.As(err, &expired), errors.As(err, &ended):
		return &ExpiredError{Err: err}
	case errors.As(err, &few), errors.As(err, &none):
		return &MissingKeyError{Err: err}
	case onTheWay, errors.As(err, &network):
		return &UnreachableError{Err: err}
	default:
		return err
	}
}
