package channel

// The transport of all requests: connections to servers whose certificates are
// verified.

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	dialLimit  = 10 * time.Second
	maxHeaders = 64 << 10 // bytes of a response's header
)

// Transport returns a transport that trusts the system's CA certificates and those
// of caBundle (PEM), and uses the proxy of the environment. Its owner closes its
// idle connections.
func Transport(caBundle []byte) (*http.Transport, error) {
	roots, err := Roots(caBundle)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialLimit}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialLimit,
		MaxResponseHeaderBytes: maxHeaders,
	}, nil
}
