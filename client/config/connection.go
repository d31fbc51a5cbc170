package config

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/certs"
)

// Certificates returns where the certificates lie. It needs a UUID, which
// Complete adds.
func (c *Config) Certificates() (certs.Files, error) {
	container := c.Text("CONTAINER_NAME")
	if container == "" {
		container = "container" // the stock client's default
	}
	if strings.ContainsAny(container, `/\`) {
		return certs.Files{}, advice.New(fmt.Errorf("CONTAINER_NAME %q can't be part of a file name", container), "choose a name without slashes")
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

// Server returns the name that the server is reached by, which stands in its
// certificate, and its port.
func (c *Config) Server() (hostname, port string, err error) {
	hostname = c.Text("HOSTNAME")
	if hostname == "" {
		return "", "", advice.New(errors.New("HOSTNAME is missing in the configuration"), "set HOSTNAME to the name that you reach the server by; the server's certificate is made for it")
	}
	if net.ParseIP(hostname) == nil && strings.ContainsAny(hostname, "/:@ ") {
		return "", "", advice.New(fmt.Errorf("HOSTNAME %q is not a host name", hostname), "write the name alone; the port goes to CICD_PORT")
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

// ServerPublicKey returns the file of the server image's OpenPGP public key, or
// "".
func (c *Config) ServerPublicKey() (string, error) {
	path, err := expandHome(c.Text("SERVER_PUBLIC_KEY_FILE"))
	if err != nil {
		return "", fmt.Errorf("SERVER_PUBLIC_KEY_FILE: %w", err)
	}
	return path, nil
}
