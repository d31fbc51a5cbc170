package dct

// What can go wrong, one type for each thing the reader can do about it. Sign
// puts the GUN and the server in front of every one of them.

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// ForeignRootError refuses a repository whose root of trust is not ours:
// somebody else made it, or it was made anew behind our back.
type ForeignRootError struct {
	// Known is the root key id we published before; empty when we never did.
	Known string
	// Found are the root key ids of the repository, the first few of them.
	Found []string
}

func (e *ForeignRootError) Error() string {
	found := "nothing was signed, because the trust data there is rooted in another key (" + strings.Join(e.Found, ", ") + ")"
	if e.Known == "" {
		return found + ": use another repository, or let the notary server's administrator delete this trust data"
	}
	return found + " than the one published from here (" + e.Known +
		"): find out who replaced it, and let the notary server's administrator restore or delete it"
}

// LostError refuses to start a repository anew that was published from here
// and is gone from the server.
type LostError struct{}

func (*LostError) Error() string {
	return "nothing was signed, because the trust data published from here is gone: restore the notary server's data, " +
		"or have the operator of this server forget the repository (sbs-server forget-trust-data), after which it is started anew and every verifier " +
		"needs its new public key"
}

// RolledBackError refuses trust data that is older than what was seen before.
type RolledBackError struct {
	Role      string // the TUF file: root, targets, snapshot or timestamp
	Seen, Got int    // its versions
}

func (e *RolledBackError) Error() string {
	return fmt.Sprintf("nothing was signed, because the trust data there went back in time (%s is at version %d and was at %d): "+
		"restore the notary server's newest data, or have the operator of this server forget the repository (sbs-server forget-trust-data) to go on "+
		"from the older state", e.Role, e.Got, e.Seen)
}

// ExpiredError is trust data past its end.
type ExpiredError struct{ Err error }

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the trust data there has expired: %v: check the clocks of both machines and that the notary server "+
		"can sign timestamps", e.Err)
}

func (e *ExpiredError) Unwrap() error { return e.Err }

// UnreachableError is a server that could not be talked to.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach the notary server: %v: check DOCKER_CONTENT_TRUST_PUSH_SERVER and that the server runs", e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// CertificateError is a server (or a CABundle) whose certificate is not taken.
type CertificateError struct{ Err error }

func (e *CertificateError) Error() string {
	advice := "set DOCKER_CONTENT_TRUST_CA to the PEM certificate of the authority that signed it"
	var (
		otherName x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(e.Err, &otherName):
		advice = "name the server in DOCKER_CONTENT_TRUST_PUSH_SERVER as its certificate does"
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		advice = "renew it, or set this machine's clock"
	}
	return fmt.Sprintf("cannot verify the notary server's certificate: %v: %s", e.Err, advice)
}

func (e *CertificateError) Unwrap() error { return e.Err }

// AccessError is a server that wants other credentials.
type AccessError struct {
	Status int // of HTTP: 401 or 403; 0 when there were no credentials to send
}

func (e *AccessError) Error() string {
	answer := "asks for credentials"
	if e.Status != 0 {
		answer = fmt.Sprintf("refuses the credentials (HTTP status %d)", e.Status)
	}
	return "the notary server " + answer + ": check DOCKER_USER and DOCKER_PASSWORD, and that this user may push the repository"
}

// KeyStoreError is a failure of the sealed store.
type KeyStoreError struct {
	Operation string
	Err       error
}

func (e *KeyStoreError) Error() string {
	return fmt.Sprintf("sealed key store: %s: %v", e.Operation, e.Err)
}

func (e *KeyStoreError) Unwrap() error { return e.Err }

// MissingKeyError is a repository of ours whose signing key is not in the store.
type MissingKeyError struct{ Err error }

func (e *MissingKeyError) Error() string {
	return fmt.Sprintf("a key is not in the sealed key store: %v: import the state it was exported with", e.Err)
}

func (e *MissingKeyError) Unwrap() error { return e.Err }

// ShadowedError is a tag that was signed, but that verifiers still find under
// another digest, or not at all.
type ShadowedError struct {
	Tag  string
	Role string // where a verifier finds the tag; empty: nowhere
}

func (e *ShadowedError) Error() string {
	if e.Role == "" {
		return "tag " + e.Tag + " was signed, but the notary server does not serve the signature"
	}
	return "tag " + e.Tag + " was signed, but the role " + e.Role + ", which verifiers read first, has another digest for it: " +
		"remove the tag or the delegation there"
}
