package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
)

// Attestation requests evidence of the server's enclave, and returns it with the
// certificate whose key the server held in that connection. Nothing is judged:
// package attest does that.
func (c *Client) Attestation(ctx context.Context, nonce []byte) (attestation.Evidence, *x509.Certificate, error) {
	const operation = "attest"
	response, err := c.send(ctx, request{operation, http.MethodGet, api.PathAttestation + "?" + api.QueryNonce + "=" + attestation.EncodeNonce(nonce), emptyBody})
	if err != nil {
		return attestation.Evidence{}, nil, err
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(http.MaxBytesReader(nil, response.Body, attestation.MaxEvidence)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return attestation.Evidence{}, nil, unexpected(operation, "the reply is longer than any evidence should be")
		}
		return attestation.Evidence{}, nil, c.unreachable(ctx, operation, err, true)
	}
	evidence, err := attestation.Decode(text.Bytes())
	if err != nil {
		return attestation.Evidence{}, nil, unexpected(operation, fmt.Sprintf("the reply can't be read: %v", err))
	}
	return evidence, response.TLS.PeerCertificates[0], nil
}

// errOtherKey is the end of a handshake with anyone but the pinned peer.
var errOtherKey = errors.New("the server at the other end is not the one that was attested: it holds another TLS key")

// Pin makes the client speak to the holder of peer's key alone from now on:
// whatever is sent next goes to the server that was attested.
func (c *Client) Pin(peer *x509.Certificate) {
	c.pinned.Store(peer)
	c.http.CloseIdleConnections()
}

// checkPin runs in every handshake.
func (c *Client) checkPin(state tls.ConnectionState) error {
	pinned := c.pinned.Load()
	if pinned != nil && !bytes.Equal(pinned.RawSubjectPublicKeyInfo, state.PeerCertificates[0].RawSubjectPublicKeyInfo) {
		return errOtherKey
	}
	return nil
}
