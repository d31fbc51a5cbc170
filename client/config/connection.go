package config

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/certs"
)

// Certificates returns where the certificates lie. It needs a UUID, which
// Complete adds.
func (c *Config) Certificates() (certs.Files, error) {
	container := c.Text("CONTAINER_NAME")
	if container == "" {
		container = "container" // the stock client's default
	}
	if strings.ContainsAny(container, `/\`) || atomicfile.Name(container+"-") != container+"-" {
		return certs.Files{}, advice.New(fmt.Errorf("CONTAINER_NAME %q can't be part of a file name", container), "choose a name of letters, digits, '-' and '_'")
	}
	id := c.Text("UUID")
	if strings.ContainsAny(id, `/\`) {
		return certs.Files{}, advice.New(fmt.Errorf("UUID %q can't be part of a file name", id), "remove UUID from the configuration: a new one is made")
	}
	var named certs.Named
	for _, path := range []struct {
		key string
		to  *string
	}{
		{"CAPATH", &named.CA},
		{"CAKEYPATH", &named.CAKey},
		{"CLIENT_CRT_KEY", &named.Client},
		{"CSRPATH", &named.ServerCSR},
		{"CERTPATH", &named.ServerCert},
	} {
		expanded, err := expandHome(c.Text(path.key))
		if err != nil {
			return certs.Files{}, fmt.Errorf("%s: %w", path.key, err)
		}
		*path.to = expanded
	}
	return certs.Locate(container, id, named), nil
}

// Server returns the name that the server is reached by, which is in its
// certificate, and its port.
func (c *Config) Server() (hostname, port string, err error) {
	hostname = c.Text("HOSTNAME")
	if hostname == "" {
		return "", "", advice.New(errors.New("HOSTNAME is missing in the configuration"), "set HOSTNAME to the name that you reach the server by; the server's certificate is made for it")
	}
	if hostname, err = bareHost(hostname); err != nil {
		return "", "", err
	}
	port = c.Text("CICD_PORT")
	if port == "" {
		port = "443"
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n < 1 {
		return "", "", advice.New(fmt.Errorf("CICD_PORT %q is no port", port), "set CICD_PORT to a number from 1 to 65535, or leave it out for 443")
	}
	return hostname, port, nil
}

// bareHost returns the host of HOSTNAME, without the brackets of an IPv6 address: the
// stock client wants these, because it appends the port to the text.
func bareHost(hostname string) (string, error) {
	const next = "write the name alone; the port goes to CICD_PORT"
	if inner, bracketed := strings.CutPrefix(hostname, "["); bracketed {
		address, closed := strings.CutSuffix(inner, "]")
		if !closed || !strings.Contains(address, ":") || net.ParseIP(address) == nil {
			return "", advice.New(fmt.Errorf("HOSTNAME %q is not an IPv6 address in brackets", hostname), next)
		}
		return address, nil
	}
	switch {
	case net.ParseIP(hostname) != nil && strings.Contains(hostname, ":"):
		return "", advice.New(fmt.Errorf("HOSTNAME %q is an IPv6 address without brackets", hostname), "write ["+hostname+"]; the port goes to CICD_PORT")
	case strings.ContainsAny(hostname, "/:@ ]"):
		return "", advice.New(fmt.Errorf("HOSTNAME %q is not a host name", hostname), next)
	}
	return hostname, nil
}

// ServerPublicKey returns the file of the server image's OpenPGP public key, or
// "".
func (c *Config) ServerPublicKey() (string, error) {
	path, err := expandHome(c.Text("SERVER_PUBLIC_KEY_FILE"))
	if err != nil {
		return "", fmt.Errorf("SERVER_PUBLIC_KEY_FILE: %w", err)
	}
	return path, nil
}
