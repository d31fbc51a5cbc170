package source

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// ErrEmptyRepository means that the remote has no commit yet.
var ErrEmptyRepository = errors.New("the repository is empty: push a commit to it first")

// ErrNotFound means that the remote knows no such repository, or hides it from
// these credentials: servers do not distinguish the two.
var ErrNotFound = errors.New("no such repository, or these credentials may not read it: check GITHUB_URL and the key or token")

// ErrCredentials means that the remote did not accept the key or token.
var ErrCredentials = errors.New("the server refused the credentials: check that the key or token is right and may read the repository")

// ReferenceError means that the remote has no such branch, tag or commit.
type ReferenceError struct {
	Reference string // as it was requested
	Reason    string // what was looked for, and what to do
}

func (e *ReferenceError) Error() string {
	return fmt.Sprintf("reference %q: %s", e.Reference, e.Reason)
}

// UnknownHostError means that nothing is known about the host key of a server.
type UnknownHostError struct {
	Host        string // as in known_hosts: host or [host]:port
	KeyType     string // "ssh-ed25519"
	Fingerprint string // "SHA256:..."
	Line        string // the line for known_hosts
}

func (e *UnknownHostError) Error() string {
	return fmt.Sprintf("unknown SSH host %s: it showed a key of type %s with the fingerprint %s; "+
		"check that fingerprint with the server's owner, then add this line to GITHUB_KNOWN_HOSTS: %s",
		e.Host, e.KeyType, e.Fingerprint, e.Line)
}

// HostKeyMismatchError means that a server showed another key than the known
// ones: it was given a new key, or it is another server.
type HostKeyMismatchError struct {
	Host        string   // as in known_hosts: host or [host]:port
	KeyType     string   // of the key shown
	Fingerprint string   // of the key shown, "SHA256:..."
	Known       []string // fingerprints of the known keys of this host
}

func (e *HostKeyMismatchError) Error() string {
	return fmt.Sprintf("host key mismatch for %s: it showed a key of type %s with the fingerprint %s, known are %s; "+
		"do not continue before the server's owner has confirmed why the key changed",
		e.Host, e.KeyType, e.Fingerprint, strings.Join(e.Known, ", "))
}

// quotedError is an error whose text may repeat the reply of a server: it is one
// line without control characters, and names the tokens instead of showing them.
type quotedError struct {
	cause  error
	tokens []namedToken // the longest first
}

type namedToken struct{ name, token string }

// tokens returns the tokens that the servers get.
func (r Request) tokens() []namedToken {
	all := []namedToken{{"GITHUB_TOKEN", r.Token}}
	for _, c := range r.Credentials {
		all = append(all, namedToken{c.Name, c.Token})
	}
	all = slices.DeleteFunc(all, func(t namedToken) bool { return t.token == "" })
	slices.SortStableFunc(all, func(a, b namedToken) int { return len(b.token) - len(a.token) })
	return all
}

func (e *quotedError) Error() string {
	text := e.cause.Error()
	for _, secret := range e.tokens {
		text = secret.mask(text)
	}
	return strings.TrimSpace(strings.Map(printable, text))
}

// mask replaces a token by its name.
func (t namedToken) mask(text string) string {
	name := "<" + t.name + ">"
	text = strings.ReplaceAll(text, t.token, name)
	return encodedText.ReplaceAllStringFunc(text, func(word string) string {
		if decoded, err := base64.StdEncoding.DecodeString(word); err == nil && strings.Contains(string(decoded), t.token) {
			return name // a page can repeat the header Authorization
		}
		return word
	})
}

// encodedText is what can be the base64 of user:token.
var encodedText = regexp.MustCompile(`[A-Za-z0-9+/]{4,}={0,2}`)

func (e *quotedError) Unwrap() error { return e.cause }

// printable puts a space for what would disturb a log.
func printable(r rune) rune {
	if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
		return ' '
	}
	return r
}
