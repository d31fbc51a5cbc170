package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Credential opens the repositories at and below an address: one object of
// GITHUB_CREDENTIALS. It has either a key, for SSH, or a token, for HTTPS.
type Credential struct {
	URL   string `json:"url"`             // the beginning of a repository's URL; see docs/parameters.md
	Key   Secret `json:"key,omitempty"`   // SSH private key
	Token Secret `json:"token,omitempty"` // password or token
	User  string `json:"user,omitempty"`  // that goes with Token; empty: the URL's, or git
	Auth  string `json:"auth,omitempty"`  // how Token is sent: basic, the default, or bearer
}

// Credentials is GITHUB_CREDENTIALS: the longest URL that covers a repository's
// counts.
type Credentials []Credential

const (
	credentialsKey = "GITHUB_CREDENTIALS"
	maxCredentials = 100
)

// CredentialName returns the name of a credential, or of a member of it, for
// messages and logs: GITHUB_CREDENTIALS[0].token.
func CredentialName(index int, member string) string {
	name := fmt.Sprintf("%s[%d]", credentialsKey, index)
	if member != "" {
		name += "." + member
	}
	return name
}

// credentials reads GITHUB_CREDENTIALS. No problem quotes anything: what is in the
// wrong field may be a secret.
func credentials(raw json.RawMessage) (Credentials, string) {
	var items []map[string]json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, "is not a list of objects"
	}
	if len(items) > maxCredentials {
		return nil, fmt.Sprintf("has more than %d entries", maxCredentials)
	}
	var list Credentials
	for i, item := range items {
		c, problem := credential(item)
		if problem == "" {
			problem = c.problem()
		}
		if problem != "" {
			return nil, entryProblem(i, problem)
		}
		list = append(list, c)
	}
	return list, ""
}

func entryProblem(index int, problem string) string {
	return fmt.Sprintf("entry [%d]: %s", index, problem)
}

func credential(item map[string]json.RawMessage) (c Credential, problem string) {
	for name, value := range item {
		var text string
		if json.Unmarshal(value, &text) != nil {
			return Credential{}, "a member is not a text"
		}
		switch name {
		case "url":
			c.URL = trimmed(text)
		case "user":
			c.User = trimmed(text)
		case "auth":
			c.Auth = trimmed(text)
		case "key":
			c.Key = Secret(text)
		case "token":
			c.Token = Secret(text)
		default:
			return Credential{}, "a member is none of url, key, token, user and auth"
		}
	}
	return c, ""
}

// problem checks the form of a credential; the server reads its URL and key. One
// without key and token passes: that is how records and state images have it.
func (c Credential) problem() string {
	switch {
	case c.Key != "" && c.Token != "":
		return "key and token are both given; make two entries"
	case c.User != "" && c.User == string(c.Token):
		return "user is the token, and user names are published"
	case c.Key != "" && (c.User != "" || c.Auth != ""):
		return "user and auth are for a token; for a key the URL names the user, as in ssh://user@host"
	case c.Auth != "" && c.Auth != "basic" && c.Auth != "bearer":
		return "auth is neither basic nor bearer"
	}
	for _, member := range []struct {
		name, text string
		checks     []func(string) string
	}{
		{"url", c.URL, []func(string) string{lineUpTo(2048), noPrivateKey, c.urlProblem}},
		{"user", c.User, []func(string) string{lineUpTo(256), noPrivateKey}},
		{"key", string(c.Key), []func(string) string{secretSpace, textUpTo(64 << 10)}},
		{"token", string(c.Token), []func(string) string{secretSpace, lineUpTo(4096), noPrivateKey}},
	} {
		for _, check := range member.checks {
			if problem := check(member.text); problem != "" {
				return member.name + " " + problem
			}
		}
	}
	return ""
}

// urlProblem refuses a URL that holds a credential, because it is published, and
// one that the key or the token is not for.
func (c Credential) urlProblem(text string) string {
	if text == "" {
		return "is missing"
	}
	scheme, _, absolute := strings.Cut(text, "://")
	if absolute {
		u, err := url.Parse(text)
		if err != nil || scheme != "ssh" && scheme != "https" && scheme != "http" {
			return "is not a URL of https or ssh"
		}
		if _, password := u.User.Password(); password || u.User != nil && scheme != "ssh" {
			return "holds a user name or a password; write it without, and give them as user and token"
		}
	}
	switch ssh := !absolute || scheme == "ssh"; {
	case ssh && c.Token != "":
		return "is one of SSH, and a token is for https"
	case !ssh && c.Key != "":
		return "is not one of SSH, which a key is for"
	}
	return ""
}

// checkCredentials refuses an entry that opens nothing.
func (p *Parameters) checkCredentials() error {
	i := slices.IndexFunc(p.GitHubCredentials, func(c Credential) bool { return c.Key == "" && c.Token == "" })
	if i < 0 {
		return nil
	}
	return &ParameterError{Key: credentialsKey, Problem: entryProblem(i, "it has neither key nor token"), Takes: takes(credentialsKey)}
}

// public returns the list without its secrets.
func (list Credentials) public() Credentials {
	shown := slices.Clone(list)
	for i := range shown {
		shown[i].Key, shown[i].Token = "", ""
	}
	return shown
}

// secrets returns the keys and tokens by their names.
func (list Credentials) secrets() map[string]string {
	found := map[string]string{}
	for i, c := range list {
		if c.Key != "" {
			found[CredentialName(i, "key")] = string(c.Key)
		}
		if c.Token != "" {
			found[CredentialName(i, "token")] = string(c.Token)
		}
	}
	return found
}

func (list Credentials) logins() []Login {
	var all []Login
	for i, c := range list {
		all = append(all, Login{CredentialName(i, "token"), cmp.Or(c.User, "git"), string(c.Token)})
	}
	return all
}
