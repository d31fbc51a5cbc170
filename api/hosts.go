package api

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

// The checks of hosts and URLs, in the form of those in check.go.

var hostName = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// bareRegistry returns the host of a registry that is written as a URL, as docker
// login takes and stores it: https://us.icr.io/, https://index.docker.io/v1/.
func bareRegistry(text string) string {
	if len(text) >= len("https://") && strings.EqualFold(text[:len("https://")], "https://") {
		text = text[len("https://"):]
	}
	text = strings.TrimRight(text, "/")
	if host, version, found := strings.Cut(text, "/"); found && (version == "v1" || version == "v2") {
		return host
	}
	return text
}

func registryHost(text string) string {
	if strings.Contains(text, "://") {
		return quoted(text) + " is a URL, and not of https"
	}
	if host, rest, found := strings.Cut(text, "/"); found {
		return quoted(text) + " names more than a registry; write " + quoted(host) + ", and " + quoted(rest) + " where the name of the image belongs"
	}
	return hostAndPort(text)
}

func hostAndPort(text string) string {
	host := text
	if h, port, err := net.SplitHostPort(text); err == nil {
		host = h
		if n, err := net.LookupPort("tcp", port); err != nil || n < 1 {
			return quoted(text) + " has no valid port"
		}
		if strings.HasPrefix(text, "[") {
			host = "[" + h + "]"
		}
	}
	if net.ParseIP(host) != nil && strings.Contains(host, ":") {
		return quoted(text) + " is an IPv6 address without brackets; write " + quoted("["+host+"]") + ", or " + quoted("["+host+"]:PORT")
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		if inner, closed := strings.CutSuffix(inner, "]"); closed && strings.Contains(inner, ":") && net.ParseIP(inner) != nil {
			return ""
		}
		return quoted(text) + " is not an IPv6 address in brackets"
	}
	if len(host) > 253 || (!hostName.MatchString(host) && net.ParseIP(host) == nil) {
		return quoted(text) + " is not a host name"
	}
	return ""
}

func notaryServer(text string) string { return hostOrURL(text) }

func hostOrURL(text string) string {
	if !strings.Contains(text, "://") {
		return hostAndPort(text)
	}
	return endpointURL(text)
}

// endpointURL allows http to the machine itself only: a laboratory has no
// eavesdropper on its loopback.
func endpointURL(text string) string {
	if problem := lineUpTo(2048)(text); problem != "" {
		return problem
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return "is not a URL"
	case u.User != nil:
		return "has credentials in the URL"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a query or a fragment, which a server would have to keep out of logs and records; write it without"
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return ""
	case u.Scheme != "https":
		return "is not an https URL"
	}
	return hostAndPort(u.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
