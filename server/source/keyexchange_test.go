package source

import (
	"crypto/ed25519"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// A server that offers one key exchange only is connected to, if OpenSSH's client
// has it by default; one that offers what is broken is not.
func TestServersWithOneKeyExchange(t *testing.T) {
	host, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat("h", ed25519.SeedSize))))
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat("c", ed25519.SeedSize))))
	if err != nil {
		t.Fatal(err)
	}
	for exchange, accepted := range map[string]bool{
		ssh.KeyExchangeMLKEM768X25519:    true,
		ssh.KeyExchangeCurve25519:        true,
		ssh.KeyExchangeECDHP384:          true,
		ssh.KeyExchangeDH14SHA256:        true,
		ssh.KeyExchangeDH16SHA512:        true,
		ssh.KeyExchangeDHGEXSHA256:       true,
		ssh.InsecureKeyExchangeDH1SHA1:   false,
		ssh.InsecureKeyExchangeDHGEXSHA1: false,
	} {
		t.Run(exchange, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
			config.KeyExchanges = []string{exchange}
			config.AddHostKey(host)
			served := make(chan struct{})
			go func() {
				defer close(served)
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if server, channels, requests, err := ssh.NewServerConn(conn, config); err == nil {
					go ssh.DiscardRequests(requests)
					for channel := range channels {
						_ = channel.Reject(ssh.Prohibited, "")
					}
					_ = server.Close()
				}
			}()
			defer func() { _ = listener.Close(); <-served }()
			u, err := ParseURL("ssh://git@" + listener.Addr().String() + "/repository")
			if err != nil {
				t.Fatal(err)
			}
			hosts, err := newHostKeys(nil, []byte(knownhosts.Line([]string{listener.Addr().String()}, host.PublicKey())))
			if err != nil {
				t.Fatal(err)
			}
			connection, err := connectSSH(t.Context(), u, client, hosts)
			if (err == nil) != accepted {
				t.Errorf("error %v", err)
			}
			if err == nil {
				if err := connection.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
