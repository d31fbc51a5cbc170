package api

import (
	"fmt"
	"strings"
	"testing"
)

func TestParameterErrorsHoldNoSecret(t *testing.T) {
	const planted = "planted-secret-value"
	for _, f := range fields {
		if !f.secret {
			continue
		}
		for _, value := range []any{planted + "\x00", planted + "\n\x01", strings.Repeat(planted, 10_000), []string{planted}, map[string]any{"A": []string{planted}}} {
			if _, err := parse(t, with(f.key, value)); err != nil && strings.Contains(err.Error(), planted) {
				t.Errorf("%s: %v", f.key, err)
			}
		}
	}
	for _, url := range []string{"https://user:" + planted + "@ho st/x", "https://" + planted + "@host:port:port/x", "https://user:" + planted + "@host/%zz"} {
		if _, err := parse(t, with("GITHUB_URL", url)); err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("GITHUB_URL: %v", err)
		}
	}
}

// TestFormattingShowsNoSecret checks that no verb and no logger prints one.
func TestFormattingShowsNoSecret(t *testing.T) {
	p, err := parse(t, good())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, p); strings.Contains(text, "pass-word") || strings.Contains(text, goodSecret) {
			t.Errorf("%s shows a secret: %s", verb, text)
		}
	}
}

func TestURLCredentialsAreRemoved(t *testing.T) {
	const token = "glpat-0123456789abcdefghij"
	for _, test := range []struct{ url, givenUser, givenToken, user, token string }{
		{"https://" + token + "@host/o/r.git", "", "", "", token},
		{"https://" + token + "@host/o/r.git", "", token, "", token},
		{"https://user:token@host/o/r.git", "", "", "user", "token"},
		{"https://host/o/r.git", "", "", "", ""},
		{"https://contoso@host/o/r.git", "", "", "contoso", ""},
		{"https://contoso@host/o/r.git", "", "pat", "contoso", "pat"},
		{"https://contoso@host/o/r.git", "ada", "pat", "ada", "pat"},
		{"https://a-quite-long-organization@host/o/r.git", "", "pat", "a-quite-long-organization", "pat"},
		{"https://a-quite-long-organization@host/o/r.git", "a-quite-long-organization", "", "a-quite-long-organization", ""},
	} {
		values := with("GITHUB_URL", test.url)
		values["GITHUB_USER"], values["GITHUB_TOKEN"] = test.givenUser, test.givenToken
		p, err := parse(t, values)
		if err != nil {
			t.Fatal(err)
		}
		if p.GitHubURL != "https://host/o/r.git" || p.GitHubUser != test.user || string(p.GitHubToken) != test.token {
			t.Errorf("%+v: URL %s, user %q, token %q", test, p.GitHubURL, p.GitHubUser, string(p.GitHubToken))
		}
	}
}
