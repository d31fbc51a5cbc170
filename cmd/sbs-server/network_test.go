package main

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
)

// setProxies makes an environment with these proxies and no others.
func setProxies(t *testing.T, values map[string]string) {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		t.Setenv(name, values[name])
		t.Setenv(strings.ToLower(name), "")
	}
}

func TestProxies(t *testing.T) {
	setProxies(t, map[string]string{
		"HTTPS_PROXY": "http://staff:p%40ss-word@proxy.example.com:3128", "HTTP_PROXY": "plain.example.com:80", "NO_PROXY": "inside.example.com,10.0.0.0/8",
	})
	p, err := readProxies()
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"https://git.example.com/a":    "http://staff:p%40ss-word@proxy.example.com:3128",
		"http://git.example.com/a":     "http://plain.example.com:80",
		"https://inside.example.com/a": "", "https://10.1.2.3/a": "", "https://localhost:5000/": "",
	} {
		got, err := p.choose(httptest.NewRequestWithContext(t.Context(), "GET", target, nil))
		text := ""
		if got != nil {
			text = got.String()
		}
		if err != nil || text != want {
			t.Errorf("%s goes through %q, want %q; %v", target, text, want, err)
		}
	}
	want := map[string]string{
		"HTTPS_PROXY": "http://proxy.example.com:3128", "https_proxy": "http://proxy.example.com:3128",
		"HTTP_PROXY": "http://plain.example.com:80", "http_proxy": "http://plain.example.com:80",
		"NO_PROXY": "inside.example.com,10.0.0.0/8", "no_proxy": "inside.example.com,10.0.0.0/8",
	}
	if got := p.buildArguments(); !maps.Equal(got, want) {
		t.Errorf("builds get %q, want %q", got, want)
	}
	if !maps.Equal(p.secrets, map[string]string{"HTTPS_PROXY_PASSWORD": "p@ss-word"}) {
		t.Errorf("secrets are %q", p.secrets)
	}
}

func TestNoProxies(t *testing.T) {
	setProxies(t, map[string]string{"NO_PROXY": "example.com"})
	p, err := readProxies()
	if err != nil || len(p.buildArguments()) != 0 || len(p.secrets) != 0 {
		t.Errorf("got %q, %v", p.buildArguments(), err)
	}
}

// An invalid proxy setting is refused at the start, with its name and no password.
func TestProxySettingsAreValidated(t *testing.T) {
	for _, value := range []string{"http://a:pass-word@pro xy", "ftp://proxy", "http://", "socks5://a:pass-word@proxy", "http://a:pass%zzword@proxy"} {
		setProxies(t, map[string]string{"HTTPS_PROXY": value})
		_, err := readProxies()
		if err == nil || !strings.HasPrefix(err.Error(), "HTTPS_PROXY ") || strings.Contains(err.Error(), "pass") {
			t.Errorf("%q: got %v", value, err)
		}
	}
}
