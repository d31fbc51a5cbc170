//go:build stack

package hostile

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
)

// identities are the certificates of a stack, with their keys.
type identities struct {
	ca     tls.Certificate // the developer's
	server tls.Certificate
	client tls.Certificate
	roots  *x509.CertPool
}

// loadIdentities reads them from the stack's folder.
func loadIdentities(dir string) (identities, error) {
	known := identities{roots: x509.NewCertPool()}
	folders, err := filepath.Glob(filepath.Join(dir, ".*.d"))
	if err != nil || len(folders) != 1 {
		return identities{}, fmt.Errorf("folders of certificates: %q, %w", folders, err)
	}
	for name, pair := range map[string]*tls.Certificate{"client-ca": &known.ca, "client-cert": &known.client, "server-cert": &known.server} {
		*pair, err = tls.LoadX509KeyPair(filepath.Join(folders[0], name+".pem"), filepath.Join(folders[0], name+"-key.pem"))
		if err != nil {
			return identities{}, err
		}
	}
	known.roots.AddCert(known.ca.Leaf)
	return known, nil
}

// tls returns the configuration of a client that presents the certificates.
func (i identities) tls(protocol string, show ...tls.Certificate) *tls.Config {
	return &tls.Config{
		RootCAs: i.roots, ServerName: "localhost", NextProtos: []string{protocol}, MinVersion: tls.VersionTLS10,
		// Presented whatever CAs the server accepts.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(show) == 0 {
				return &tls.Certificate{}, nil
			}
			return &show[0], nil
		},
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
}
