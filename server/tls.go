package server

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/opensbs/sbs/api/public"
)

// Names of the environment values that the env section of the contract sets, as
// the client's instance-env prints them.
const (
	EnvClientCertificate = "CLIENT_CRT" // base64 of PEM: the one client that is let in
	EnvClientCA          = "CLIENT_CA"  // base64 of PEM: the CA that issued it, among others
	EnvServerCertificate = "SERVER_CRT" // base64 of PEM
	EnvServerKey         = "SERVER_KEY" // base64 of an ASCII-armoured OpenPGP message that holds PEM
)

// TLSConfig returns the server's configuration of mutual TLS 1.3, from the environment
// values. open decrypts the OpenPGP message of SERVER_KEY, which only the enclave can.
func TLSConfig(getenv func(string) string, open func(message []byte) ([]byte, error)) (*tls.Config, error) {
	client, err := ClientCertificate(getenv)
	if err != nil {
		return nil, err
	}
	authorities, err := certificatesFrom(getenv, EnvClientCA)
	if err != nil {
		return nil, err
	}
	server, err := serverCertificate(getenv, open)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	for _, authority := range authorities {
		roots.AddCert(authority)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{server},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    roots,
		NextProtos:   []string{"h2", "http/1.1"},
		// The CA is the developer's own, but it may have issued other
		// certificates, the server's among them, and the stock client sends a
		// whole bundle where CAPATH is one. Only the configured client's
		// key is let in; a renewed certificate for the same key is.
		VerifyConnection: func(state tls.ConnectionState) error {
			presented := state.PeerCertificates[0].RawSubjectPublicKeyInfo
			if subtle.ConstantTimeCompare(presented, client.RawSubjectPublicKeyInfo) != 1 {
				return errors.New("the client certificate is not the one in " + EnvClientCertificate)
			}
			return notExpired(state.PeerCertificates[0])
		},
	}, nil
}

// ClientCertificate returns the certificate of CLIENT_CRT: the one client that is let in.
func ClientCertificate(getenv func(string) string) (*x509.Certificate, error) {
	certificates, err := certificatesFrom(getenv, EnvClientCertificate)
	if err != nil {
		return nil, err
	}
	return certificates[0], nil
}

// notExpired checks the validity again, because a resumed connection is not verified
// against the chain.
func notExpired(certificate *x509.Certificate) error {
	if now := time.Now(); now.After(certificate.NotAfter) || now.Before(certificate.NotBefore) {
		return errors.New("the client certificate is expired or not yet valid")
	}
	return nil
}

func serverCertificate(getenv func(string) string, open func([]byte) ([]byte, error)) (tls.Certificate, error) {
	chain, err := environmentValue(getenv, EnvServerCertificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := public.Check(chain); err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: the base64 %w", EnvServerCertificate, err)
	}
	message, err := environmentValue(getenv, EnvServerKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := open(message)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", EnvServerKey, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s do not belong together: %w", EnvServerCertificate, EnvServerKey, err)
	}
	return pair, nil
}

// certificatesFrom returns the certificates of an environment value, at least one.
func certificatesFrom(getenv func(string) string, name string) ([]*x509.Certificate, error) {
	text, err := environmentValue(getenv, name)
	if err != nil {
		return nil, err
	}
	certificates, err := public.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s (take its value from the client's instance-env): the base64 %w", name, err)
	}
	return certificates, nil
}

func environmentValue(getenv func(string) string, name string) ([]byte, error) {
	value := getenv(name)
	if value == "" {
		return nil, fmt.Errorf("%s is not set: take its value from the client's instance-env", name)
	}
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("%s is not base64: take its value from the client's instance-env", name)
	}
	return raw, nil
}
