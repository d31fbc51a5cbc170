package notary

// The addresses of notary servers.

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ErrDockerNotary means that an address is that of Docker's own notary server.
var ErrDockerNotary = errors.New("notary.docker.io shuts down on 8 December 2026: " +
	"use a notary server of your own")

const (
	dockerNotary = "notary.docker.io"
	maxAddress   = 2048 // bytes; longer is no address but a mistake
)

// CheckServer returns an error unless server is a valid address of a notary server.
// It sends no request.
func CheckServer(server string) error {
	_, err := ParseServer(server)
	return err
}

// ParseServer parses the address of a notary server: a URL, or host[:port], which
// means https. Plain http is accepted for loopback only.
func ParseServer(server string) (*url.URL, error) {
	address, err := parseURL(server)
	if err != nil {
		return nil, fmt.Errorf("notary server %w; give https://host[:port]", err)
	}
	if strings.EqualFold(strings.TrimSuffix(address.Hostname(), "."), dockerNotary) {
		return nil, ErrDockerNotary
	}
	return address, nil
}

// parseURL never quotes what it was given: a URL may carry a password.
func parseURL(server string) (*url.URL, error) {
	switch {
	case server == "":
		return nil, errors.New("address is empty")
	case len(server) > maxAddress:
		return nil, fmt.Errorf("address is longer than %d bytes", maxAddress)
	}
	if !strings.Contains(server, "://") {
		server = "https://" + server
	}
	address, err := url.Parse(server)
	if err != nil {
		var cause *url.Error
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, fmt.Errorf("address is no URL: %w", err)
	}
	switch {
	case address.User != nil:
		return nil, errors.New("address holds credentials, which do not belong there")
	case address.Hostname() == "":
		return nil, errors.New("address names no host")
	case address.RawQuery != "" || address.ForceQuery || address.Fragment != "":
		return nil, errors.New("address has a query or a fragment")
	}
	if err := checkScheme(address); err != nil {
		return nil, err
	}
	address.Host = strings.ToLower(address.Host)
	address.Path = strings.TrimRight(address.Path, "/")
	address.RawPath = ""
	return address, nil
}

// checkScheme returns an error unless the scheme is https, or http to loopback.
func checkScheme(address *url.URL) error {
	switch address.Scheme {
	case "https":
		return nil
	case "http":
		if isLoopback(address.Hostname()) {
			return nil
		}
		return fmt.Errorf("%s is to be reached over plain http, which is taken for loopback only", address.Host)
	default:
		return fmt.Errorf("scheme %q is not https", address.Scheme)
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address := net.ParseIP(host)
	return address != nil && address.IsLoopback()
}
