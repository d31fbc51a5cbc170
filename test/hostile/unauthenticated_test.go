//go:build stack

package hostile

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/kit"
)

// maxRefusal bounds the log entry of one refused connection, in bytes.
const maxRefusal = 2 << 10

// The server refuses every peer but the client with a TLS alert, immediately, and
// logs one short line at most. (test/e2e too tests which clients of the same CA are
// accepted.)
func TestUnauthenticatedConnectionsAreRefused(t *testing.T) {
	env := shared
	now := time.Now()
	ours := *env.client.Leaf
	other := newKey(t)
	impostor := *env.ca.Leaf
	impostor.PublicKey = other.Public()
	certificate := func(from, until time.Time, key, signer crypto.Signer, parent *x509.Certificate) tls.Certificate {
		template := ours
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(now.UnixNano()), from, until
		if parent == nil {
			template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
			parent = &template
		}
		template.SignatureAlgorithm, template.PublicKey = 0, nil
		der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	clientKey, caKey := env.client.PrivateKey.(crypto.Signer), env.ca.PrivateKey.(crypto.Signer)
	wrongKey := tls.Certificate{Certificate: env.client.Certificate, PrivateKey: mismatchedKey{clientKey, other}}
	for name, show := range map[string][]tls.Certificate{
		"no certificate":                     nil,
		"the server's own certificate":       {env.server},
		"the CA's own certificate":           {env.ca},
		"another client, of the same CA":     {certificate(now.Add(-time.Hour), now.Add(time.Hour), other, caKey, env.ca.Leaf)},
		"another CA of the same name":        {certificate(now.Add(-time.Hour), now.Add(time.Hour), clientKey, other, &impostor)},
		"self-signed with the client's name": {certificate(now.Add(-time.Hour), now.Add(time.Hour), other, other, nil)},
		"expired":                            {certificate(now.Add(-2*time.Hour), now.Add(-time.Minute), clientKey, caKey, env.ca.Leaf)},
		"not yet valid":                      {certificate(now.Add(time.Hour), now.Add(2*time.Hour), clientKey, caKey, env.ca.Leaf)},
		"the client's, with another key":     {wrongKey},
	} {
		t.Run(name, func(t *testing.T) {
			env.checkRefused(t, func(raw net.Conn) error {
				conn := tls.Client(raw, env.tls("http/1.1", show...))
				if _, err := io.WriteString(conn, "GET /image HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
					return err
				}
				// In TLS 1.3 the client's handshake ends before the server verifies it.
				_, err := conn.Read(make([]byte, 1))
				return err
			})
		})
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.0": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS10 },
		"TLS 1.1": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 },
		"TLS 1.2": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			env.checkRefused(t, func(raw net.Conn) error {
				config := env.tls("http/1.1", env.client)
				change(config)
				return tls.Client(raw, config).Handshake()
			})
		})
	}
}

// mismatchedKey has the public key of one signer, and signs with the other.
type mismatchedKey struct{ public, private crypto.Signer }

func (k mismatchedKey) Public() crypto.PublicKey { return k.public.Public() }

func (k mismatchedKey) Sign(r io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return k.private.Sign(r, digest, options)
}

// checkRefused connects and calls request, which must return an alert of the server.
// The server must log one line at most.
func (env *environment) checkRefused(t *testing.T, request func(net.Conn) error) {
	t.Helper()
	since := len(env.log(t, 0))
	raw, err := net.Dial("tcp", env.address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(kit.Timeout)); err != nil {
		t.Fatal(err)
	}
	var alert *net.OpError
	if err := request(raw); !errors.As(err, &alert) || alert.Op != "remote error" {
		t.Errorf("the connection ended with %v, want an alert of the server", err)
	}
	address := raw.LocalAddr().String()
	_ = raw.Close()
	env.MustRequest(t, 200, "GET", "/image", "")
	added := env.log(t, since)
	lines := 0
	for line := range strings.Lines(added) {
		// The refusal of an earlier connection may be logged only now.
		if strings.Contains(line, `"msg":"request"`) || strings.Contains(line, "handshake error from ") && !strings.Contains(line, address) {
			continue
		}
		if lines++; len(line) > maxRefusal || !strings.Contains(line, `"level":"DEBUG"`) {
			t.Errorf("logged: %.300s", line)
		}
	}
	if lines > 1 {
		t.Errorf("one refused connection logs %d lines:\n%s", lines, added)
	}
}

// openssl can connect with old versions and weak suites, which the server must
// refuse.
func TestOpenSSLGetsNoWeakConnection(t *testing.T) {
	env := shared
	for name, arguments := range map[string][]string{
		"TLS 1.0":                  {"-tls1"},
		"TLS 1.1":                  {"-tls1_1"},
		"TLS 1.2":                  {"-tls1_2"},
		"no encryption":            {"-tls1_2", "-cipher", "eNULL@SECLEVEL=0"},
		"no authentication":        {"-tls1_2", "-cipher", "aNULL@SECLEVEL=0"},
		"export and old suites":    {"-tls1_2", "-cipher", "LOW:EXPORT:RC4:3DES:MD5@SECLEVEL=0"},
		"old renegotiation":        {"-tls1_2", "-legacy_renegotiation"},
		"a suite without secrecy":  {"-tls1_2", "-cipher", "AES128-SHA@SECLEVEL=0"},
		"a group that is too weak": {"-tls1_3", "-groups", "P-192"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
			defer cancel()
			output, err := exec.CommandContext(ctx, "openssl", append([]string{"s_client", "-connect", env.address}, arguments...)...).CombinedOutput()
			if err == nil || ctx.Err() != nil || strings.Contains(string(output), "BEGIN CERTIFICATE") {
				t.Errorf("openssl got a connection (%v):\n%s", err, output)
			}
		})
	}
	// openssl can connect with TLS 1.3: the refusals above are not its own.
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	output, _ := exec.CommandContext(ctx, "openssl", "s_client", "-connect", env.address, "-tls1_3").CombinedOutput() // fails, because it has no client certificate
	if !strings.Contains(string(output), "BEGIN CERTIFICATE") || !strings.Contains(string(output), "TLSv1.3") {
		t.Errorf("openssl got no TLS 1.3 connection:\n%s", output)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
