package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnchors(t *testing.T) {
	const (
		key  = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"
		host = "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
	)
	for name, test := range map[string]struct{ variable, content, says string }{
		"certificates":              {envCABundle, certificate, ""},
		"known hosts":               {envKnownHosts, host, ""},
		"a key after a certificate": {envCABundle, certificate + key, "holds a private key"},
		"a key after a host":        {envKnownHosts, host + key, "holds a private key"},
		"no certificate":            {envCABundle, "hello", "no PEM block"},
		"no host":                   {envKnownHosts, "hello", ""},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readSettings(func(name string) string {
			if name == test.variable {
				return path
			}
			return ""
		})
		switch good := name == "certificates" || name == "known hosts"; {
		case good && (err != nil || string(s.knownHosts)+string(s.caBundle) != test.content):
			t.Errorf("%s: %v", name, err)
		case !good && (err == nil || !strings.HasPrefix(err.Error(), test.variable+": ") || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v", name, err)
		}
	}
}

const certificate = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUKZjfHSmWJoZAdy/fzznzps1B49UwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm90YXJ5MCAXDTI2MTEyNTE2MjcwMFoYDzIxMjYxMTAxMTYy
NzAwWjARMQ8wDQYDVQQDDAZub3RhcnkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARiksoPQ1pQSdx/rNTgjAnyvJr40coRTdfCK05zN+6vZMoOtJY5tVDzfgZcWphQ
oT8w9LObzknji6YeRcrL6X1Lo1MwUTAdBgNVHQ4EFgQU3Kfx1EgyI8UIs3Ga6B//
HegCuLwwHwYDVR0jBBgwFoAU3Kfx1EgyI8UIs3Ga6B//HegCuLwwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBkofBrY87lVAtkiD2W6gV3h8kDCIql
w4XhTtKYE3UZPwIhAMl0sbLVu077Wvaz0Vc9jgkGwJNJ+oWs9KsnIw63zpKx
-----END CERTIFICATE-----
`
