package channel

// What lies beneath all requests: connections to servers whose certificates
// are checked.

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	dialLimit  = 10 * time.Second
	maxHeaders = 64 << 10 // bytes of an answer's header
)

// Transport trusts the system's authorities and those of caBundle (PEM). It goes
// through the proxy of the environment. Its owner closes its idle connections.
func Transport(caBundle []byte) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("load the system's certificate authorities: %w", err)
	}
	if len(caBundle) > 0 && !roots.AppendCertsFromPEM(caBundle) {
		return nil, errors.New("the given authorities hold no PEM certificate")
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialLimit}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialLimit,
		MaxResponseHeaderBytes: maxHeaders,
	}, nil
}
