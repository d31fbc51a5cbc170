package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/buildlog"
)

// The keys and tokens of GITHUB_CREDENTIALS are in no log and no record, also not
// where another parameter repeats one.
func TestCredentialsAreRedacted(t *testing.T) {
	p := api.Parameters{
		GitHubURL: "https://h.example.com/tok-in-a-path/x", GitHubToken: "main-token",
		GitHubCredentials: api.Credentials{
			{URL: "https://h.example.com/tok-in-a-path", Token: "tok-in-a-path", User: "ada"},
			{URL: "git@h.example.com:", Key: api.Secret(sshKey)},
		},
	}
	r := buildlog.NewRedactor(p.Secrets(), p.Logins()...)
	for text, want := range map[string]string{
		"a tok-in-a-path b": "a <GITHUB_CREDENTIALS[0].token> b",
		"Basic " + base64.StdEncoding.EncodeToString([]byte("ada:tok-in-a-path")): "Basic <GITHUB_CREDENTIALS[0].token>=",
		strings.TrimSpace(sshKey): "<GITHUB_CREDENTIALS[1].key>",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	text, err := json.Marshal(r.Values(p.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "tok-in-a-path") || strings.Contains(string(text), "PRIVATE") || !strings.Contains(string(text), `{"url":"git@h.example.com:"}`) {
		t.Errorf("the record has %s", text)
	}

	request := (&build{parameters: p, Pipeline: &Pipeline{}}).sourceRequest()
	if len(request.Credentials) != 2 || request.Credentials[0].Token != "tok-in-a-path" || request.Credentials[0].User != "ada" || string(request.Credentials[1].SSHKey) != sshKey {
		t.Errorf("the clone gets %+v", request.Credentials)
	}
}

const sshKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDvQp1bX9N2lgWbN0Vh3n0u7M8X5cZQqBq0s4mRk9m8yAAAAJhx
-----END OPENSSH PRIVATE KEY-----
`
