//go:build stack

package source

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/harness/proxy"
)

func TestProxy(t *testing.T) {
	s := newStack(t, gitserver.Options{User: "ada", Token: "ghp_secret-token"})
	s.create(t, "one.git", sample("1"))
	request := s.https("one.git")
	request.User, request.Token = "ada", "ghp_secret-token"
	u, err := url.Parse(request.URL)
	if err != nil {
		t.Fatal(err)
	}
	// After the proxy the server has its name at another port.
	_, address, _ := strings.Cut(request.URL, "://")
	address, _, _ = strings.Cut(address, "/")
	name := u.Hostname() + ":4430"
	through, err := proxy.Start(t.Context(), proxy.Options{User: "staff", Password: "pass-word"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := through.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	through.AddHost(name, address)
	request.URL = strings.Replace(request.URL, address, name, 1)
	request.Proxy = http.ProxyURL(through.URL())
	clone(t, request)
	if seen := through.Tunneled(); len(seen) != 1 || seen[0] != name {
		t.Errorf("the proxy was asked for %q, want %q alone", seen, name)
	}

	for what, change := range map[string]func(*url.URL){
		"wrong password": func(u *url.URL) { u.User = url.UserPassword("staff", "pass-wrong") },
		"no such proxy":  func(u *url.URL) { u.Host = "127.0.0.1:1" },
	} {
		t.Run(what, func(t *testing.T) {
			other := through.URL()
			change(other)
			request.Proxy = http.ProxyURL(other)
			if err := refuse(t, request); strings.Contains(err.Error(), "pass-w") || strings.Contains(err.Error(), "ghp_") {
				t.Errorf("the error has a password: %v", err)
			}
		})
	}
}
