package dct

// This file alone decides what a failure of the library means, and what to do about
// it in the names of our parameters.

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/theupdateframework/notary/tuf/signed"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/notary"
)

// explain turns a failure of the server called name into the error type that
// names what to do about it. One it does not know, or that has such a type
// already, stays as it is.
func explain(name string, err error) error {
	var (
		few  signed.ErrInsufficientSignatures
		none signed.ErrNoKeys
	)
	if errors.As(err, &few) || errors.As(err, &none) {
		return &MissingKeyError{Err: err}
	}
	err = notary.Explain(name, err)
	if advice := adviceFor(err); advice != "" {
		return fmt.Errorf("%w: %s", err, advice)
	}
	return err
}

func adviceFor(err error) string {
	var (
		back        *signature.RolledBackError
		expired     *signature.ExpiredError
		unreachable *signature.UnreachableError
		access      *signature.AccessError
		certificate *signature.CertificateError
	)
	switch {
	case errors.As(err, &back):
		return "nothing was signed; restore the notary server's newest data, or have the operator of this server forget the " +
			"repository (sbs-server forget-trust-data) to go on from the older state"
	case errors.As(err, &expired):
		return "check the clocks of both machines and that the notary server can sign timestamps"
	case errors.As(err, &unreachable):
		return "check DOCKER_CONTENT_TRUST_PUSH_SERVER and that the server runs"
	case errors.As(err, &access):
		return "check DOCKER_USER and DOCKER_PASSWORD, and that this user may push the repository"
	case errors.As(err, &certificate):
		return adviceForCertificate(certificate)
	}
	return ""
}

func adviceForCertificate(err error) string {
	var (
		otherName x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &otherName):
		return "name the server in DOCKER_CONTENT_TRUST_PUSH_SERVER as its certificate does"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew it, or set this machine's clock"
	}
	return "set DOCKER_CONTENT_TRUST_CA to the PEM certificate of the authority that signed it"
}
