package registry

// This file alone decides what a failed request means.

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/opensbs/sbs/signature"
)

// Explain returns why ctx ended rather than what that broke, and makes of what went
// wrong with the registry a *signature.AccessError, *signature.ForbiddenError,
// *signature.CertificateError or *signature.UnreachableError. Any other error stays as it is.
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
		forbidden   *signature.ForbiddenError
		referrer    *signature.ReferrerError
		unreachable *signature.UnreachableError
		refused     *transport.Error
		certificate *tls.CertificateVerificationError
		network     net.Error
	)
	switch {
	case errors.As(err, &access), errors.As(err, &forbidden), errors.As(err, &referrer), errors.As(err, &unreachable): // explained before
		return err
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized:
		return &signature.AccessError{Server: server, Status: refused.StatusCode}
	case errors.As(err, &refused) && refused.StatusCode == http.StatusForbidden:
		return &signature.ForbiddenError{Server: server, Err: refused}
	case errors.As(err, &refused) && refused.StatusCode >= http.StatusInternalServerError:
		return &signature.UnreachableError{Server: server, Err: refused}
	case errors.As(err, &certificate):
		return &signature.CertificateError{Server: server, Err: err}
	case errors.As(err, &network):
		return &signature.UnreachableError{Server: server, Err: err}
	}
	return err
}

// IsAbsent reports whether an error means that something is not there.
func IsAbsent(err error) bool {
	var refused *transport.Error
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}
