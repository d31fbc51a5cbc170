package solve

import (
	"testing"

	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/opensbs/sbs/api"
)

func TestRegistryHost(t *testing.T) {
	cases := map[string]string{
		"docker.io":                   "docker.io",
		"index.docker.io":             "docker.io",
		"registry-1.docker.io":        "docker.io",
		"https://index.docker.io/v1/": "docker.io",
		"https://Index.Docker.io/v1/": "docker.io",
		"us.icr.io":                   "us.icr.io",
		" US.icr.io ":                 "us.icr.io",
		"https://us.icr.io/v2/":       "us.icr.io",
		"http://127.0.0.1:5000":       "127.0.0.1:5000",
		"127.0.0.1:5000":              "127.0.0.1:5000",
		"evil-docker.io":              "evil-docker.io",
		"docker.io.evil.example":      "docker.io.evil.example",
		"docker.io:5000":              "docker.io:5000",
	}
	for server, want := range cases {
		if got := RegistryHost(server); got != want {
			t.Errorf("%q: %q, want %q", server, got, want)
		}
	}
}

func TestCredentialsGoToTheirHostOnly(t *testing.T) {
	provider := &Credentials{Accounts: []api.RegistryAccount{
		{Host: "docker.io", User: "hub", Password: "hub-secret"},
		{Host: "registry.example:5000", User: "own", Password: "own-secret"},
		{},
	}}
	cases := map[string]string{
		"registry-1.docker.io":        "hub-secret",
		"https://index.docker.io/v1/": "hub-secret",
		"registry.example:5000":       "own-secret",
		"registry.example":            "",
		"registry.example:5001":       "",
		"sub.registry.example:5000":   "",
		"other.example":               "",
		"":                            "",
	}
	for host, want := range cases {
		answer, err := provider.Credentials(t.Context(), &auth.CredentialsRequest{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Secret != want || (answer.Username != "") != (want != "") {
			t.Errorf("%q gets %q for user %q, want %q", host, answer.Secret, answer.Username, want)
		}
	}
}

func TestTokensAreLeftToTheBuilder(t *testing.T) {
	provider := &Credentials{}
	_, fetch := provider.FetchToken(t.Context(), &auth.FetchTokenRequest{})
	_, authority := provider.GetTokenAuthority(t.Context(), &auth.GetTokenAuthorityRequest{})
	_, verify := provider.VerifyTokenAuthority(t.Context(), &auth.VerifyTokenAuthorityRequest{})
	for _, err := range []error{fetch, authority, verify} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("error %v", err)
		}
	}
}
