package source

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func privateKey(t *testing.T, passphrase string) []byte {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func TestScopeCovers(t *testing.T) {
	for _, test := range []struct {
		scope, url string
		want       bool
	}{
		{"https://example.com", "https://example.com/any/repo.git", true},
		{"https://example.com/", "https://EXAMPLE.com:443/any/repo.git", true},
		{"https://Example.com/org", "https://example.com/org/repo.git", true},
		{"https://example.com/org/", "https://example.com/org/repo/info/lfs", true},
		{"https://example.com/org/repo", "https://example.com/org/repo.git", true},
		{"https://example.com/org/repo.git", "https://example.com/org/repo", true},
		{"https://example.com/org/repo", "https://example.com/org/repo.git/info/lfs", true},
		{"https://example.com/a%20b", "https://example.com/a%20b/c", true},
		{"https://example.com:8443", "https://example.com:8443/x", true},
		{"http://127.0.0.1:3000", "http://127.0.0.1:3000/x", true},
		{"git@example.com:", "git@example.com:org/repo.git", true},
		{"git@example.com:org", "git@example.com:org/repo.git", true},
		{"ssh://git@example.com/org", "git@example.com:org/repo.git", true},
		{"git@example.com:/org", "ssh://example.com:22/org/repo", true},
		{"ssh://example.com:2222", "ssh://git@example.com:2222/org/repo", true},

		{"https://example.com", "https://example.com.evil.org/org/repo", false},
		{"https://example.com", "https://example.comevil/org/repo", false},
		{"https://example.com", "https://evil.example.com/org/repo", false},
		{"https://example.com", "https://evil.org/example.com/repo", false},
		{"https://example.com", "https://example.com@evil.org/repo", false},
		{"https://example.com/org", "https://example.com/organization/repo", false},
		{"https://example.com/org", "https://example.com/org.github.io/repo", false},
		{"https://example.com/org", "https://example.com/x/org/repo", false},
		{"https://example.com/org", "https://example.com/Org/repo", false},
		{"https://example.com/org/repo", "https://example.com/org", false},
		{"https://example.com/org/repo", "https://example.com/org/repo2.git", false},
		{"https://example.com/org/repo", "https://example.com/org/repo.github", false},
		{"https://example.com/org", "https://example.com/org/../evil/repo", false},
		{"https://example.com/org", "https://example.com/org/%2e%2E/evil/repo", false},
		{"https://example.com/org", "https://example.com/org%2f..%2fevil/repo", false},
		{"https://example.com/org", "https://example.com/org/..%5cevil/repo", false},
		{"https://example.com/org", "https://example.com//org/..//evil", false},
		{"git@example.com:org", "git@example.com:org/../evil", false},
		{"https://example.com", "https://example.com:8443/org/repo", false},
		{"https://example.com:8443", "https://example.com/org/repo", false},
		{"https://localhost", "http://localhost:443/org/repo", false},
		{"https://example.com", "git@example.com:org/repo", false},
		{"git@example.com:", "https://example.com/org/repo", false},
		{"git@example.com:", "ssh://git@example.com:2222/org/repo", false},
		{"git@example.com:org", "git@example.com:organization/repo", false},
		{"git@example.com:", "ada@example.com:org/repo", false},
		{"git@example.com:", "git@example.com.evil.org:org/repo", false},
	} {
		s, err := parseScope(test.scope)
		if err != nil {
			t.Errorf("%s: %v", test.scope, err)
			continue
		}
		u, err := ParseURL(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		if got := s.covers(u); got != test.want {
			t.Errorf("%s covers %s: %v", test.scope, test.url, got)
		}
	}
}

// The longest address counts, in whatever order they are given, and what is without
// one gets what the host of the main repository gets.
func TestCredentialFor(t *testing.T) {
	c, err := newCloner(Request{URL: "https://example.com/main/repo.git", Token: "main", Credentials: []Credential{
		{Name: "a", URL: "https://example.com/org", Token: "org"},
		{Name: "b", URL: "https://example.com/org/deep/repo", Token: "deep", User: "ada"},
		{Name: "c", URL: "https://example.com/org/deep", Token: "group"},
		{Name: "d", URL: "https://other.example.com", Token: "other", Auth: AuthBearer},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"https://example.com/main/repo.git":     "Basic Z2l0Om1haW4=", // git:main
		"https://example.com/org/x":             "Basic Z2l0Om9yZw==", // git:org
		"https://example.com/org/deep/x":        "Basic Z2l0Omdyb3Vw", // git:group
		"https://example.com/org/deep/repo.git": "Basic YWRhOmRlZXA=", // ada:deep
		"https://other.example.com/x":           "Bearer other",       //
		"https://other.example.com:8443/x":      "",                   //
		"https://third.example.com/org/x":       "",                   //
		"https://example.com/org/../main/x":     "Basic Z2l0Om1haW4=", // as without entries
	} {
		u, err := ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.credentialFor(u).header(u); got != want {
			t.Errorf("%s gets %q, want %q", text, got, want)
		}
	}
}

func TestCheckCredentials(t *testing.T) {
	key := privateKey(t, "")
	fine := Credential{URL: "https://example.com/org", Token: "tok"}
	for name, test := range map[string]struct {
		credential Credential
		says       string
	}{
		"a key with a passphrase": {Credential{URL: "git@h:x", SSHKey: privateKey(t, "pass")}, "it has a passphrase"},
		"no key":                  {Credential{URL: "git@h:x", SSHKey: []byte("planted")}, "no private key"},
		"a key for https":         {Credential{URL: "https://h/x", SSHKey: key}, "an SSH address takes a key"},
		"a token for ssh":         {Credential{URL: "git@h:x", Token: "planted"}, "an SSH address takes a key"},
		"twice":                   {Credential{URL: "https://EXAMPLE.com:443/org.git/", Token: "planted"}, "same address as that of entry [0]"},
		"a user":                  {Credential{URL: "https://planted@h/x", Token: "planted"}, "holds a user name"},
		"a password":              {Credential{URL: "https://u:planted@h/x", Token: "planted"}, "not the beginning of"},
		"plain http":              {Credential{URL: "http://h.example.com/planted", Token: "planted"}, "not the beginning of"},
		"a query":                 {Credential{URL: "https://h.example.com?planted", Token: "planted"}, "not the beginning of"},
		"a host alone":            {Credential{URL: "planted.example.com", Token: "planted"}, "not the beginning of"},
		"no host":                 {Credential{URL: "https://", Token: "planted"}, "not the beginning of"},
		"a port":                  {Credential{URL: "https://h:planted/x", Token: "planted"}, "not the beginning of"},
		"dots":                    {Credential{URL: "https://h/planted/../x", Token: "planted"}, "'.' or '..'"},
		"another way":             {Credential{URL: "https://h/x", Token: "planted", Auth: "digest"}, "auth"},
	} {
		i, err := CheckCredentials([]Credential{fine, test.credential})
		if err == nil || i != 1 || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %d, %v", name, i, err)
		}
	}
	if i, err := CheckCredentials([]Credential{fine, {URL: "git@h:", SSHKey: key}, {URL: "https://example.com/org/x", Token: "tok"}}); err != nil {
		t.Errorf("%d, %v", i, err)
	}
}

// No token is in an error, whichever server repeats it.
func TestErrorsNameTheToken(t *testing.T) {
	request := Request{Token: "abc-secret", Credentials: []Credential{{Name: "GITHUB_CREDENTIALS[0]", Token: "abc-secret-longer"}, {Name: "GITHUB_CREDENTIALS[1]"}}}
	err := &quotedError{errors.New("x abc-secret-longer y abc-secret z Z2l0OmFiYy1zZWNyZXQtbG9uZ2Vy"), request.tokens()}
	if got, want := err.Error(), "x <GITHUB_CREDENTIALS[0]> y <GITHUB_TOKEN> z <GITHUB_CREDENTIALS[0]>"; got != want {
		t.Errorf("got %q", got)
	}
}
