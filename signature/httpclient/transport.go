package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Bounds of every connection.
const (
	connectTimeout = 15 * time.Second // of TCP, and again of TLS
	maxHeaders     = 64 << 10         // bytes of a response's header
	minTLS         = tls.VersionTLS12
)

// Options are the settings that differ between servers.
type Options struct {
	Roots          *x509.CertPool                        // CA certificates, as of [Roots]
	Proxy          func(*http.Request) (*url.URL, error) // nil is none
	Dial           DialFunc                              // nil is [Dial]; a function that wraps Dial
	HTTP2          bool                                  // offer HTTP/2
	ResponseHeader time.Duration                         // timeout from a request to its response's header; 0 is none
}

// DialFunc opens a connection.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Dial opens a connection within the timeout of connecting.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, network, address)
}

// New returns a transport with connections of its own. Its owner closes its idle
// connections.
func New(options Options) *Transport {
	if options.Dial == nil {
		options.Dial = Dial
	}
	return &Transport{&http.Transport{
		Proxy:                  options.Proxy,
		DialContext:            options.Dial,
		TLSClientConfig:        &tls.Config{RootCAs: options.Roots, MinVersion: minTLS},
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  options.ResponseHeader,
		MaxResponseHeaderBytes: maxHeaders,
		ForceAttemptHTTP2:      options.HTTP2,
	}}
}

// NewTrusting returns a transport that trusts the system's CA certificates and those
// of caBundle (PEM), and uses the proxy of the environment.
func NewTrusting(caBundle []byte) (*Transport, error) {
	roots, err := Roots(caBundle)
	if err != nil {
		return nil, err
	}
	return New(Options{Roots: roots, Proxy: http.ProxyFromEnvironment}), nil
}
