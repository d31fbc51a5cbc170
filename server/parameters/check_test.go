package parameters

import (
	"errors"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

func TestCheck(t *testing.T) {
	noNotary, ownHost, submodules := with(t), with(t), with(t)
	noNotary.TrustPushServer = ""
	ownHost.GitHubURL, ownHost.GitHubCA = "https://git.example.com/owner/repo.git", "PEM of a CA"
	submodules.GitHubURL, submodules.GitHubCA, submodules.Submodules = "https://github.com/owner/repo.git", "PEM of a CA", true
	for name, good := range map[string]api.Parameters{"complete": with(t), "no notary server": noNotary, "a CA of the own host": ownHost, "a CA for submodules": submodules} {
		if err := Check(good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const entry = `{"GITHUB_CREDENTIALS": [{"url": "git@h:x", "key": "planted"}],`
	credentials, err := api.ParseParameters([]byte(strings.Replace(string(wireForm(t)), "{", entry, 1)))
	if err != nil {
		t.Fatal(err)
	}
	ca := with(t)
	ca.GitHubURL, ca.GitHubCA = "https://github.com/owner/repo.git", "PEM of a CA"
	branch := with(t)
	branch.GitHubBranch = "a..b"
	for key, test := range map[string]struct {
		given   api.Parameters
		problem string
	}{
		"GITHUB_URL":                       {with(t, "GITHUB_URL", "file:///etc"), ""},
		"GITHUB_BRANCH":                    {branch, ""},
		"GITHUB_KNOWN_HOSTS":               {with(t, "GITHUB_KNOWN_HOSTS", "host ssh-ed25519 notbase64"), ""},
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": {with(t, "DOCKER_CONTENT_TRUST_PUSH_SERVER", "https://notary.docker.io"), ""},
		"GITHUB_CREDENTIALS":               {credentials, "entry [0]: SSH key: it is no private key"},
		"GITHUB_CA":                        {ca, "is of no use"},
	} {
		var refused *api.ParameterError
		err := Check(test.given)
		if !errors.As(err, &refused) || refused.Key != key || !strings.Contains(refused.Problem, test.problem) || strings.Contains(refused.Problem, "planted") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}
