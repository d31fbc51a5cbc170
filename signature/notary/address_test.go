package notary

import (
	"errors"
	"strings"
	"testing"
)

func TestParseServer(t *testing.T) {
	for given, want := range map[string]struct{ url, name string }{
		"https://notary.example.com":        {"https://notary.example.com", "notary.example.com"},
		"https://notary.example.com:4443/":  {"https://notary.example.com:4443", "notary.example.com:4443"},
		"notary.example.com":                {"https://notary.example.com", "notary.example.com"},
		"notary.example.com:4443":           {"https://notary.example.com:4443", "notary.example.com:4443"},
		"Notary.Example.com:443":            {"https://notary.example.com:443", "notary.example.com"},
		"https://example.com/trust/":        {"https://example.com/trust", "example.com/trust"},
		"localhost:4443":                    {"https://localhost:4443", "localhost:4443"},
		"HTTP://localhost:4443":             {"http://localhost:4443", "localhost:4443"},
		"http://127.0.0.1":                  {"http://127.0.0.1", "127.0.0.1"},
		"http://[::1]:4443":                 {"http://[::1]:4443", "[::1]:4443"},
		"https://mynotary.docker.io":        {"https://mynotary.docker.io", "mynotary.docker.io"},
		"https://notary.docker.io.attacker": {"https://notary.docker.io.attacker", "notary.docker.io.attacker"},
	} {
		address, err := ParseServer(given)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if address.String() != want.url || Name(address) != want.name {
			t.Errorf("%s: address %s named %s, want %s named %s", given, address, Name(address), want.url, want.name)
		}
	}
}

func TestParseServerRefuses(t *testing.T) {
	for given, want := range map[string]string{
		"":                                     "empty",
		"https://":                             "no host",
		"https://:4443":                        "no host",
		"http://notary.example.com":            "plain http",
		"http://localhost.example.com":         "plain http",
		"http://10.0.0.1":                      "plain http",
		"ftp://localhost":                      "not https",
		"https://user:geheim@example.com":      "credentials",
		"user:geheim@example.com":              "credentials",
		"https://example.com:port":             "no URL",
		"https://geheim:geheim@[broken":        "no URL",
		"https://example.com?geheim=1":         "query",
		"https://example.com#geheim":           "fragment",
		"https://" + strings.Repeat("a", 2048): "longer",
	} {
		_, err := ParseServer(given)
		switch {
		case err == nil:
			t.Errorf("%.60s was accepted", given)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%.60s: %v, want %q in it", given, err, want)
		case strings.Contains(err.Error(), "geheim"):
			t.Errorf("%.60s: the error quotes what may be secret: %v", given, err)
		}
	}
}

func TestParseServerRefusesDockersNotary(t *testing.T) {
	for _, given := range []string{"https://notary.docker.io", "notary.docker.io", "Notary.Docker.IO:443", "https://notary.docker.io./"} {
		if _, err := ParseServer(given); !errors.Is(err, ErrDockerNotary) {
			t.Errorf("%s: %v, want ErrDockerNotary", given, err)
		}
	}
}
