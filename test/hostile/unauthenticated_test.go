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

// maxRefusal bounds what one refused connection may add to the log, in bytes.
const maxRefusal = 2 << 10

// Whoever is not the client is told so in TLS, at once, and that costs the log
// one short line at most. (Which clients of the same authority are let in is
// tested in test/e2e too.)
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
	wrongKey := tls.Certificate{Certificate: env.client.Certificate, PrivateKey: liar{clientKey, other}}
	for name, show := range map[string][]tls.Certificate{
		"no certificate":                        nil,
		"the server's own certificate":          {env.server},
		"the authority's own certificate":       {env.ca},
		"another client, of the same authority": {certificate(now.Add(-time.Hour), now.Add(time.Hour), other, caKey, env.ca.Leaf)},
		"another authority of the same name":    {certificate(now.Add(-time.Hour), now.Add(time.Hour), clientKey, other, &impostor)},
		"self-signed with the client's name":    {certificate(now.Add(-time.Hour), now.Add(time.Hour), other, other, nil)},
		"expired":                               {certificate(now.Add(-2*time.Hour), now.Add(-time.Minute), clientKey, caKey, env.ca.Leaf)},
		"not yet valid":                         {certificate(now.Add(time.Hour), now.Add(2*time.Hour), clientKey, caKey, env.ca.Leaf)},
		"the client's, with another key":        {wrongKey},
	} {
		t.Run(name, func(t *testing.T) {
			env.refused(t, func(raw net.Conn) error {
				conn := tls.Client(raw, env.tls("http/1.1", show...))
				if _, err := io.WriteString(conn, "GET /image HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
					return err
				}
				// In TLS 1.3 the client has finished before the server looks at it.
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
			env.refused(t, func(raw net.Conn) error {
				config := env.tls("http/1.1", env.client)
				change(config)
				return tls.Client(raw, config).Handshake()
			})
		})
	}
}

// liar says that it has one key, and signs with another.
type liar struct{ says, has crypto.Signer }

func (l liar) Public() crypto.PublicKey { return l.says.Public() }

func (l liar) Sign(r io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return l.has.Sign(r, digest, options)
}

// refused knocks, which must end in an alert of the server, and in no more than
// one line of its log.
func (env *environment) refused(t *testing.T, knock func(net.Conn) error) {
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
	if err := knock(raw); !errors.As(err, &alert) || alert.Op != "remote error" {
		t.Errorf("it ended with %v, want an alert of the server", err)
	}
	_ = raw.Close()
	env.MustRequest(t, 200, "GET", "/image", "") // logged behind what the refusal logged
	added := env.log(t, since)
	lines := 0
	for line := range strings.Lines(added) {
		if strings.Contains(line, `"msg":"request"`) {
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

// openssl knows the ways of old clients, and says what became of them.
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
			said, err := exec.CommandContext(ctx, "openssl", append([]string{"s_client", "-connect", env.address}, arguments...)...).CombinedOutput()
			if err == nil || ctx.Err() != nil || strings.Contains(string(said), "BEGIN CERTIFICATE") {
				t.Errorf("openssl got a connection (%v):\n%s", err, said)
			}
		})
	}
	// The judge can tell the difference.
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	said, _ := exec.CommandContext(ctx, "openssl", "s_client", "-connect", env.address, "-tls1_3").CombinedOutput() // it has no certificate to show
	if !strings.Contains(string(said), "BEGIN CERTIFICATE") || !strings.Contains(string(said), "TLSv1.3") {
		t.Errorf("openssl got no TLS 1.3 connection:\n%s", said)
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
