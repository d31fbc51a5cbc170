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

// Error is a request that failed. Its text never holds a secret. Code and Fault are
// for programs that decide what to do about it.
type Error struct {
	Operation  string   // the command: "init", "status"
	HTTPStatus int      // 0 when there was no reply
	Code       api.Code // "" when the server gave none
	Key        string   // the parameter it is about, or ""
	Message    string   // what happened, in words, in one line

	Fault Fault // why there was no reply, or not all of it; "" when there was one

	cause error
}

// Fault is a reason why there was no reply of the server, or not all of it.
type Fault string

// Faults.
const (
	FaultUnknownHost       Fault = "unknown_host"       // its name has no address
	FaultProxy             Fault = "proxy"              // the proxy can't be reached
	FaultRefused           Fault = "refused"            // nothing listens at the port
	FaultTimeout           Fault = "timeout"            // no reply in time
	FaultUnreachable       Fault = "unreachable"        // no connection for another reason
	FaultClosed            Fault = "closed"             // the server closed the connection
	FaultStreamEnded       Fault = "stream_ended"       // the events ended before the build
	FaultNotTLS            Fault = "not_tls"            // the server there does not speak TLS
	FaultHandshake         Fault = "handshake"          // the server there ended the TLS handshake
	FaultClientCertificate Fault = "client_certificate" // the server refuses it
	FaultServerName        Fault = "server_name"        // the server's certificate is for another name
	FaultServerAuthority   Fault = "server_authority"   // it was signed by another authority
	FaultServerExpired     Fault = "server_expired"     // it is not valid now
	FaultServerCertificate Fault = "server_certificate" // it can't be accepted for another reason
	FaultOtherKey          Fault = "other_key"          // see Client.Pin
)

func (e *Error) Error() string { return e.Operation + ": " + e.Message }

// Unwrap returns the cause, for errors.Is and errors.As; nil for a
// reply of the server.
func (e *Error) Unwrap() error { return e.cause }

// unreachable explains why there was no reply, or only a part of one.
// connected means that the TLS handshake was over on this side.
//
// When ctx has ended, that is the reason, whatever err looks like: the server may
// notice that the client closes the connection, and end its reply properly before
// the client has.
func (c *Client) unreachable(ctx context.Context, operation string, err error, connected bool) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	failed := &Error{Operation: operation, cause: err}
	failed.Message, failed.Fault = c.explain(err, connected)
	return failed
}

func (c *Client) explain(err error, connected bool) (message string, fault Fault) {
	if message, fault = c.explainCertificate(err); message != "" {
		return message, fault
	}
	var dns *net.DNSError
	var operation *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, errOtherKey):
		return errOtherKey.Error(), FaultOtherKey
	case errors.Is(err, context.Canceled):
		return "interrupted", ""
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s has no address", dns.Name), FaultUnknownHost
	case errors.As(err, &operation) && operation.Op == "proxyconnect": // as net/http names it
		return fmt.Sprintf("the proxy of HTTPS_PROXY can't be reached: %v", operation.Err), FaultProxy
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + c.base, FaultRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return c.base + " does not reply", FaultTimeout
	// crypto/tls keeps the kinds of alert to itself. In TLS 1.3 the client's
	// handshake is over before the server has looked at its certificate.
	case errors.As(err, &operation) && operation.Op == "remote error" && connected:
		return fmt.Sprintf("the server refuses the client certificate (%v)", operation.Err), FaultClientCertificate
	case errors.As(err, &operation) && operation.Op == "remote error":
		return fmt.Sprintf("%s ended the TLS handshake (%v)", c.base, operation.Err), FaultHandshake
	case connected && lost(err):
		return c.base + " closed the connection", FaultClosed
	}
	return "no connection to " + c.base + ": " + bare(err).Error(), FaultUnreachable
}

// lost reports whether the server closed the connection. net.ErrClosed means that it
// did so while the request was sent: net/http closes this side before it writes more.
func lost(err error) bool {
	for _, end := range []error{syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// explainCertificate explains why the server's certificate was not accepted.
func (c *Client) explainCertificate(err error) (message string, fault Fault) {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the server's certificate is not for %s", name.Host), FaultServerName
	case errors.As(err, &unknown):
		return "the server's certificate was not signed by the authority in CAPATH", FaultServerAuthority
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the server's certificate is not valid now (it is from %s to %s)", invalid.Cert.NotBefore.UTC().Format("2006-01-02"), invalid.Cert.NotAfter.UTC().Format("2006-01-02")), FaultServerExpired
	case errors.As(err, &invalid):
		return fmt.Sprintf("the server's certificate is not acceptable: %v", invalid), FaultServerCertificate
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return c.base + " does not speak TLS", FaultNotTLS
	}
	return "", ""
}

// bare removes the "Get https://..." that net/http prepends.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
