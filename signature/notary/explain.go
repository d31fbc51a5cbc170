package notary

// Classification of the library's errors.

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/docker/distribution/registry/client/auth"
	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/signed"

	"github.com/opensbs/sbs/signature"
)

// Explain converts an error of the server called name to a *signature.AccessError,
// *signature.CertificateError, *signature.ExpiredError or
// *signature.UnreachableError. It returns any other error unchanged.
func Explain(name string, err error) error {
	var wrapper storage.NetworkError
	transport := errors.As(err, &wrapper)
	if transport {
		err = wrapper.Wrapped // the wrapper itself does not unwrap
	}
	var (
		status  *statusError
		cert    *tls.CertificateVerificationError
		network net.Error
		expired signed.ErrExpired
		ended   data.ErrCertExpired
	)
	switch {
	case errors.Is(err, auth.ErrNoBasicAuthCredentials):
		return &signature.AccessError{Server: name}
	case errors.As(err, &status) && (status.status == 401 || status.status == 403):
		return &signature.AccessError{Server: name, Status: status.status}
	case status != nil:
		return &signature.UnreachableError{Server: name, Err: status}
	case errors.As(err, &cert):
		return &signature.CertificateError{Server: name, Err: err}
	case errors.As(err, &expired), errors.As(err, &ended):
		return &signature.ExpiredError{Err: err}
	case transport, errors.As(err, &network):
		return &signature.UnreachableError{Server: name, Err: err}
	}
	return err
}
