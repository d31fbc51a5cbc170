package source

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Credential opens the repositories at and below an address.
type Credential struct {
	Name        string // for messages
	URL         string // the beginning of a repository's URL, down to a host alone
	SSHKey      []byte // as in Request, for SSH
	User, Token string // for HTTPS
	Auth        string // as in Request
}

// scope is an address and all below it.
type scope struct {
	scheme, user, host string // the user for SSH only
	port               int
	segments           []string // of the path
}

// scoped is a credential and where it may be sent.
type scoped struct {
	scope
	credential
}

// CheckCredentials returns why a credential cannot be used, and its index.
func CheckCredentials(list []Credential) (index int, err error) {
	_, index, err = parseAll(list)
	return index, err
}

// parseAll reads credentials, of which no two may be for the same address.
func parseAll(list []Credential) (all []scoped, index int, err error) {
	for i, c := range list {
		parsed, err := c.parse()
		if err != nil {
			return nil, i, err
		}
		if twice := slices.IndexFunc(all, func(s scoped) bool { return s.same(parsed.scope) }); twice >= 0 {
			return nil, i, fmt.Errorf("url is the same address as that of entry [%d]", twice)
		}
		all = append(all, parsed)
	}
	return all, 0, nil
}

// parse reads a credential. Its errors quote nothing of it.
func (c Credential) parse() (scoped, error) {
	at, err := parseScope(c.URL)
	if err != nil {
		return scoped{}, err
	}
	signer, err := parseKey(c.SSHKey)
	if err != nil {
		return scoped{}, err
	}
	if (at.scheme == schemeSSH) != (signer != nil) {
		return scoped{}, errors.New("an SSH address takes a key, and any other a token")
	}
	if err := checkAuth(c.Auth); err != nil {
		return scoped{}, err
	}
	access := credential{signer: signer, user: c.User, token: c.Token, auth: c.Auth, within: &at}
	return scoped{at, access}, nil
}

// parseScope reads the beginning of a repository's URL.
func parseScope(text string) (scope, error) {
	text = strings.TrimRight(text, "/")
	_, rest, absolute := strings.Cut(text, "://")
	hostOnly := absolute && !strings.Contains(rest, "/")
	switch {
	case hostOnly:
		text += "/any"
	case !absolute && strings.HasSuffix(text, ":"):
		hostOnly, text = true, text+"any"
	}
	u, err := ParseURL(text)
	if err != nil {
		return scope{}, errors.New("url is not the beginning of a repository's URL: write it as https://host/owner, ssh://git@host/owner or git@host:owner/repo.git")
	}
	if u.Scheme != schemeSSH && u.User != "" {
		return scope{}, errors.New("url holds a user name: write it without, and give it as user")
	}
	s := scope{scheme: u.Scheme, user: sshUser(u), host: u.Host, port: u.Port}
	if hostOnly {
		return s, nil
	}
	var plain bool
	if s.segments, plain = segmentsOf(u); !plain {
		return scope{}, errors.New("url has an empty segment, '.' or '..' in its path")
	}
	return s, nil
}

// sshUser returns the user that SSH logs in as. For HTTPS it is no part of the
// address.
func sshUser(u URL) string {
	if u.Scheme == schemeSSH {
		return u.User
	}
	return ""
}

// segmentsOf returns the segments of the path of u, and false when the server may
// read them as another path.
func segmentsOf(u URL) (segments []string, plain bool) {
	for segment := range strings.SplitSeq(strings.Trim(u.Path, "/"), "/") {
		if u.Scheme != schemeSSH {
			decoded, err := url.PathUnescape(segment)
			if err != nil {
				return nil, false
			}
			segment = decoded
		}
		if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, `/\`) {
			return nil, false
		}
		segments = append(segments, segment)
	}
	return segments, true
}

// covers reports whether u is the address of s or is below it. The last segment of
// s may have .git at its end where that of u has not, and the reverse.
func (s *scope) covers(u URL) bool {
	if s.scheme != u.Scheme || s.user != sshUser(u) || s.host != u.Host || s.port != u.Port {
		return false
	}
	segments, plain := segmentsOf(u)
	if !plain || len(segments) < len(s.segments) {
		return false
	}
	return sameSegments(s.segments, segments[:len(s.segments)])
}

// same reports whether two scopes cover the same.
func (s *scope) same(other scope) bool {
	return s.scheme == other.scheme && s.user == other.user && s.host == other.host && s.port == other.port &&
		len(s.segments) == len(other.segments) && sameSegments(s.segments, other.segments)
}

// sameSegments compares two paths of the same length, the last segments without .git.
func sameSegments(a, b []string) bool {
	last := len(a) - 1
	if last < 0 {
		return true
	}
	return slices.Equal(a[:last], b[:last]) && strings.TrimSuffix(a[last], ".git") == strings.TrimSuffix(b[last], ".git")
}

// parseCredentials reads the credentials of a request, the narrower first.
func parseCredentials(list []Credential) ([]scoped, error) {
	all, i, err := parseAll(list)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list[i].Name, err)
	}
	slices.SortStableFunc(all, func(a, b scoped) int { return len(b.segments) - len(a.segments) })
	return all, nil
}

// credentialFor returns the credentials for u: the longest of the scoped ones that
// covers it, else those of the main repository, which are for its host.
func (c *cloner) credentialFor(u URL) credential {
	for _, each := range c.scoped {
		if each.covers(u) {
			return each.credential
		}
	}
	if c.main.sharesCredentials(u) {
		return credential{signer: c.signer, user: c.request.User, token: c.request.Token, auth: c.request.Auth}
	}
	return credential{}
}
