package source

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// maxURL bounds the text of a URL, in bytes.
const maxURL = 2048

// Schemes of a [URL].
const (
	schemeSSH   = "ssh"
	schemeHTTPS = "https"
	schemeHTTP  = "http"
)

// URL is the checked address of a repository.
type URL struct {
	Scheme string // "ssh", "https", or "http" for a loopback host
	User   string // of SSH, "git" when the text names none; of HTTPS, "" when it names none
	Host   string // name or address in lower case; an IPv6 address without brackets
	Port   int    // always set
	Path   string // as the server gets it, percent-encoded for HTTPS, without slashes at its end

	text string
}

// String returns the text the URL was parsed from.
func (u URL) String() string { return u.text }

// Address returns "host:port" for dialing.
func (u URL) Address() string { return net.JoinHostPort(u.Host, strconv.Itoa(u.Port)) }

var (
	hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$`)
	userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)
	scpLike  = regexp.MustCompile(`^([^@:/]+)@([^@:/\[\]]+):([^:].*)$`)
)

// ParseURL checks the address of a repository: user@host:path (the form of
// scp), ssh://[user@]host[:port]/path or https://host[:port]/path. Plain http
// is accepted for a loopback host only. A user name in an https URL is no
// credential, a password is. Local paths, other schemes and transports, names that
// a program could read as an option, control characters and passwords in the URL
// are refused; the error names the reason, and never repeats a password.
func ParseURL(text string) (URL, error) {
	parsed, err := parseURL(text)
	if err != nil {
		return URL{}, fmt.Errorf("repository URL: %w; it is git@host:owner/repo.git, ssh://git@host/owner/repo.git or https://host/owner/repo.git", err)
	}
	parsed.text = text
	return parsed, nil
}

func parseURL(text string) (URL, error) {
	if text == "" || len(text) > maxURL {
		return URL{}, fmt.Errorf("has %d characters, between 1 and %d are taken", len(text), maxURL)
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return URL{}, errors.New("has a space, a backslash, or a control or non-ASCII character")
		}
	}
	if !strings.Contains(text, "://") {
		return parseSCP(text)
	}
	return parseAbsolute(text)
}

func parseSCP(text string) (URL, error) {
	parts := scpLike.FindStringSubmatch(text)
	if parts == nil {
		return URL{}, errors.New("is no address of a remote repository")
	}
	return checked(URL{Scheme: schemeSSH, User: parts[1], Host: parts[2], Port: 22, Path: parts[3]})
}

func parseAbsolute(text string) (URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return URL{}, errors.New("cannot be parsed") // the cause would repeat the text, and with it a password
	}
	if _, has := u.User.Password(); has {
		return URL{}, errors.New("holds a password; give it as a parameter of its own")
	}
	if u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") || u.Opaque != "" {
		return URL{}, errors.New("has a query or a fragment")
	}
	if strings.Count(u.Host, ":") > 1 && !strings.HasPrefix(u.Host, "[") {
		return URL{}, fmt.Errorf("has the host %q: an IPv6 address is written in brackets, as in %s://[2001:db8::1]/path", u.Host, u.Scheme)
	}
	result := URL{Scheme: u.Scheme, User: u.User.Username(), Host: u.Hostname(), Path: u.Path}
	switch u.Scheme {
	case schemeSSH:
		result.Port = 22
		if u.User == nil {
			result.User = "git"
		}
		if strings.HasPrefix(result.Path, "/~") {
			result.Path = result.Path[1:] // a home folder is relative, as in Git
		}
	case schemeHTTPS:
		result.Port, result.Path = 443, u.EscapedPath()
	case schemeHTTP:
		result.Port, result.Path = 80, u.EscapedPath()
	default:
		return URL{}, fmt.Errorf("has the scheme %q", u.Scheme)
	}
	if text := u.Port(); text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return URL{}, fmt.Errorf("has the port %q", text)
		}
		result.Port = int(port)
	}
	return checked(result)
}

// checked applies the rules that both forms share.
func checked(u URL) (URL, error) {
	u.Host = strings.ToLower(u.Host)
	u.Path = trimSlashes(u.Path)
	address, err := netip.ParseAddr(u.Host)
	isAddress := err == nil && address.Zone() == ""
	switch {
	case !isAddress && !hostName.MatchString(u.Host):
		return URL{}, fmt.Errorf("has the host %q", u.Host)
	case u.Scheme == schemeSSH && !userName.MatchString(u.User):
		return URL{}, fmt.Errorf("has the user %q", u.User)
	case strings.HasPrefix(u.User, "-") || strings.ContainsFunc(u.User, func(r rune) bool { return r <= ' ' || r == ':' || r >= 0x7f }):
		return URL{}, errors.New("has a user name that begins with '-', or has a space, a colon, or a control or non-ASCII character")
	case u.Scheme == schemeHTTP && u.Host != "localhost" && !(isAddress && address.IsLoopback()):
		return URL{}, errors.New("is not encrypted, and http:// is for this machine only")
	case strings.Trim(u.Path, "/") == "":
		return URL{}, errors.New("names no repository on the host")
	case strings.HasPrefix(u.Path, "-") || strings.HasPrefix(u.Path, "/-"):
		return URL{}, errors.New("has a path that looks like an option")
	}
	for _, c := range []byte(u.Path) { // once more: the path of ssh:// is decoded by now
		if c < ' ' || c == 0x7f {
			return URL{}, errors.New("has a control character in its path")
		}
	}
	return u, nil
}

// trimSlashes drops the slashes at the end of a path, as Git does before it asks
// for the references.
func trimSlashes(path string) string {
	if trimmed := strings.TrimRight(path, "/"); trimmed != "" {
		return trimmed
	}
	return path
}

// resolve returns the URL of a submodule as .gitmodules of the repository at u
// has it: absolute, or relative to u when it starts with ./ or ../.
func (u URL) resolve(text string) (URL, error) {
	if !strings.HasPrefix(text, "./") && !strings.HasPrefix(text, "../") {
		return ParseURL(text)
	}
	prefix, base := u.split()
	joined := strings.Trim(base, "/")
	for _, part := range strings.Split(strings.TrimRight(text, "/"), "/") {
		switch part {
		case "", ".":
		case "..":
			if joined == "" {
				return URL{}, fmt.Errorf("relative URL %q leaves the host of %s", text, u)
			}
			joined = joined[:max(strings.LastIndexByte(joined, '/'), 0)]
		default:
			joined = strings.TrimPrefix(joined+"/"+part, "/")
		}
	}
	return ParseURL(prefix + joined)
}

// split cuts the text of u before its path: "git@host:", "https://host/".
func (u URL) split() (prefix, base string) {
	if scheme, rest, ok := strings.Cut(u.text, "://"); ok {
		host, base, _ := strings.Cut(rest, "/")
		return scheme + "://" + host + "/", base
	}
	host, base, _ := strings.Cut(u.text, ":")
	if strings.HasPrefix(base, "/") {
		return host + ":/", base
	}
	return host + ":", base
}

// sharesCredentials reports whether the credentials for u may be sent to other,
// which must be on the same host and port. Between SSH and HTTPS that means the
// default port of each: another port may be another service.
func (u URL) sharesCredentials(other URL) bool {
	if u.Host != other.Host {
		return false
	}
	if u.Scheme == other.Scheme {
		return u.Port == other.Port
	}
	return u.onDefaultPort() && other.onDefaultPort()
}

// onDefaultPort reports whether u is an encrypted address at the port of its scheme.
func (u URL) onDefaultPort() bool {
	return u.Scheme == schemeSSH && u.Port == 22 || u.Scheme == schemeHTTPS && u.Port == 443
}
