package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/opensbs/sbs/api"
)

// proxies are the operator's, by the environment values that every program
// takes: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in capitals or not. Go's own
// clients in this process read the same ones.
type proxies struct {
	config  *httpproxy.Config
	secrets map[string]string // the passwords among them, by name
	logins  []api.Login       // the passwords with their user names
}

// readProxies reads and checks the proxies: an invalid value would otherwise mean no
// proxy at all.
func readProxies() (proxies, error) {
	p := proxies{config: httpproxy.FromEnvironment(), secrets: map[string]string{}}
	for name, value := range map[string]string{"HTTP_PROXY": p.config.HTTPProxy, "HTTPS_PROXY": p.config.HTTPSProxy} {
		if value == "" {
			continue
		}
		address, err := parseProxy(value)
		if err != nil {
			return proxies{}, fmt.Errorf("%s %w", name, err)
		}
		if password, given := address.User.Password(); given {
			p.secrets[name+"_PASSWORD"] = password
			p.logins = append(p.logins, api.Login{Name: name + "_PASSWORD", User: address.User.Username(), Password: password})
		}
	}
	return p, nil
}

// parseProxy reads the URL of a proxy; without a scheme it is one of HTTP. Its
// errors don't repeat it: it may hold a password.
func parseProxy(value string) (*url.URL, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	address, err := url.Parse(value)
	if err != nil || address.Hostname() == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, errors.New("is not the address of a proxy: it takes http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before the host where the proxy requires it, and special characters in them as %XX")
	}
	return address, nil
}

// choose is the proxy for a request, or nil.
func (p proxies) choose(request *http.Request) (*url.URL, error) {
	return p.config.ProxyFunc()(request.URL)
}

// buildArguments are the proxies as the steps of a Dockerfile get them, without
// user and password: a step could leave them in the image. The builders know
// these names without an ARG, and keep them out of the image's history.
func (p proxies) buildArguments() map[string]string {
	arguments := map[string]string{}
	for name, value := range map[string]string{"HTTP_PROXY": p.config.HTTPProxy, "HTTPS_PROXY": p.config.HTTPSProxy} {
		address, err := parseProxy(value)
		if value == "" || err != nil {
			continue // readProxies has refused what is wrong
		}
		address.User = nil
		arguments[name], arguments[strings.ToLower(name)] = address.String(), address.String()
	}
	if len(arguments) > 0 && p.config.NoProxy != "" {
		arguments["NO_PROXY"], arguments["no_proxy"] = p.config.NoProxy, p.config.NoProxy
	}
	return arguments
}
