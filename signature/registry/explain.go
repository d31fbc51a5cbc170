package registry

// One place that decides what a failure on the way means.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/opensbs/sbs/signature"
)

// Explain says why ctx ended rather than what that broke, and makes of what went
// wrong with the registry a *signature.AccessError, *signature.CertificateError
// or *signature.UnreachableError. Any other error stays as it is.
func (r *Repository) Explain(ctx context.Context, err error) error {
	return explain(ctx, r.Name.RegistryStr(), err)
}

func explain(ctx context.Context, server string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var (
		access      *signature.AccessError
		unreachable *signature.UnreachableError
		refused     *transport.Error
		certificate *tls.CertificateVerificationError
		network     net.Error
	)
	switch {
	case errors.As(err, &access), errors.As(err, &unreachable): // explained before
		return err
	case errors.As(err, &refused) && isRefusal(refused.StatusCode):
		return &signature.AccessError{Server: server, Status: refused.StatusCode}
	case errors.As(err, &refused) && refused.StatusCode >= http.StatusInternalServerError:
		return &signature.UnreachableError{Server: server, Err: refused}
	case errors.As(err, &certificate):
		return &signature.CertificateError{Server: server, Err: err}
	case errors.As(err, &network):
		return &signature.UnreachableError{Server: server, Err: err}
	}
	return err
}

func isRefusal(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// checkStatus is an error unless the registry answered with the status want.
func (r *Repository) checkStatus(response *http.Response, want int) error {
	switch {
	case response.StatusCode == want:
		return nil
	case isRefusal(response.StatusCode):
		return &signature.AccessError{Server: r.Name.RegistryStr(), Status: response.StatusCode}
	}
	return fmt.Errorf("HTTP status %d (%s)", response.StatusCode, http.StatusText(response.StatusCode))
}

// IsAbsent tells an answer that something is not there from any other trouble.
func IsAbsent(err error) bool {
	var refused *transport.Error
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}
