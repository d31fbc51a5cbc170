package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/opensbs/sbs/api"
)

// Error is a request that failed. Its text never holds a secret.
type Error struct {
	Operation  string   // the command: "init", "status"
	HTTPStatus int      // 0 when there was no reply
	Code       api.Code // "" when the server gave none
	Key        string   // the parameter it is about, or ""
	Message    string   // what happened, in words, in one line

	next  string
	cause error
}

func (e *Error) Error() string { return e.Operation + ": " + e.Message }

// Unwrap returns the cause, for errors.Is and errors.As; nil for what the
// server said itself.
func (e *Error) Unwrap() error { return e.cause }

// Next says what to do next, or "".
func (e *Error) Next() string {
	if e.next != "" {
		return e.next
	}
	switch e.Code {
	case api.CodeBusy:
		return "wait for the build with sbs-cli status --wait, or stop it with sbs-cli clean"
	case api.CodeNotInitialised:
		return "run sbs-cli init first"
	case api.CodeIncomplete:
		return "run sbs-cli update"
	case api.CodeForbidden:
		return "SECRET is not the one that this server knows; older ones are in the copies beside the configuration"
	case api.CodeBadParameter:
		return "correct " + e.Key + " in the configuration"
	case api.CodeNotFound:
		return "look at sbs-cli builds: a build must have succeeded, and --build-name be one of this server"
	case api.CodeGone:
		return "sbs-cli builds shows which manifests the server has"
	case api.CodeVolume:
		return "tell the operator of the server; what it says can be mended without a restart"
	case api.CodeNoEvidence:
		return "docs/attestation.md says what a deployment needs to be attested"
	case api.CodeInternal:
		return "look into the server's own log"
	case api.CodeStopping:
		return "try again when the server is up"
	}
	return ""
}

// unreachable explains why there was no reply, or only a part of one.
// connected says that the TLS handshake was over on this side.
//
// When ctx has ended, that is the reason, whatever it looks like: the server may
// notice that the client hangs up and end its reply properly before the client
// has.
func (c *Client) unreachable(ctx context.Context, operation string, err error, connected bool) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	failed := &Error{Operation: operation, cause: err}
	failed.Message, failed.next = c.explain(err, connected)
	return failed
}

func (c *Client) explain(err error, connected bool) (message, next string) {
	if message, next = c.explainCertificate(err); message != "" {
		return message, next
	}
	var dns *net.DNSError
	var operation *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, errOtherKey):
		return errOtherKey.Error(), "send this server nothing: someone has put another one in its place since it was attested"
	case errors.Is(err, context.Canceled):
		return "interrupted", ""
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s has no address", dns.Name), "add the server's address and name to /etc/hosts, or correct HOSTNAME"
	case errors.As(err, &operation) && operation.Op == "proxyconnect": // net/http's mark
		return fmt.Sprintf("the proxy of HTTPS_PROXY can't be reached: %v", operation.Err), "correct HTTPS_PROXY, or add HOSTNAME to NO_PROXY"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + c.base, "start the server, or correct HOSTNAME and CICD_PORT"
	case errors.As(err, &timeout) && timeout.Timeout():
		return c.base + " does not answer", "check that the server runs and that the network lets you through to its port"
	// crypto/tls keeps the kinds of alert to itself. In TLS 1.3 the client's
	// handshake is over before the server has looked at its certificate.
	case errors.As(err, &operation) && operation.Op == "remote error" && connected:
		return fmt.Sprintf("the server refuses the client certificate (%v)", operation.Err), "use the certificates that the server was deployed with: its CLIENT_CA must be the authority that CAPATH names"
	case errors.As(err, &operation) && operation.Op == "remote error":
		return fmt.Sprintf("%s ended the TLS handshake (%v)", c.base, operation.Err), "check HOSTNAME and CICD_PORT: the server there is no Secure Build Server, or does not speak TLS 1.3"
	case connected && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return c.base + " closed the connection", "see whether the server still runs; if it always does so at once, it refuses the client certificate"
	}
	return "no connection to " + c.base + ": " + bare(err).Error(), "check HOSTNAME, CICD_PORT and, if you use one, HTTPS_PROXY"
}

// explainCertificate explains why the server's certificate was not accepted.
func (c *Client) explainCertificate(err error) (message, next string) {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the server's certificate is not for %s", name.Host), "set HOSTNAME to the name in it, or run sbs-cli create-server-cert and deploy the server with the new sbs-cli instance-env"
	case errors.As(err, &unknown):
		return "the server's certificate was not signed by the authority in CAPATH", "use the certificates that the server was deployed with, in the folder where they were made"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the server's certificate is not valid now (it is from %s to %s)", invalid.Cert.NotBefore.UTC().Format("2006-01-02"), invalid.Cert.NotAfter.UTC().Format("2006-01-02")),
			"check this machine's clock; else run sbs-cli create-server-cert and deploy the server with the new sbs-cli instance-env"
	case errors.As(err, &invalid):
		return fmt.Sprintf("the server's certificate is not acceptable: %v", invalid), "run sbs-cli create-server-cert and deploy the server with the new sbs-cli instance-env"
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return c.base + " does not speak TLS", "correct HOSTNAME and CICD_PORT"
	}
	return "", ""
}

// bare takes off the "Get https://..." that net/http puts in front.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
