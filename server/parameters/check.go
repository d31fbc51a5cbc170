package parameters

import (
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/signature/notary"
)

// Check returns an *api.ParameterError for parameters whose source or notary server
// can't be used. Package api has checked their form already.
func Check(p api.Parameters) error {
	if err := source.CheckURL(p.GitHubURL); err != nil {
		return &api.ParameterError{Key: "GITHUB_URL", Problem: err.Error()}
	}
	if err := source.CheckReference(p.GitHubBranch); err != nil {
		return &api.ParameterError{Key: "GITHUB_BRANCH", Problem: err.Error()}
	}
	if i, err := source.CheckCredentials(SourceCredentials(p.GitHubCredentials)); err != nil {
		return &api.ParameterError{Key: "GITHUB_CREDENTIALS", Problem: fmt.Sprintf("entry [%d]: %v", i, err)}
	}
	if err := source.CheckDeveloperKnownHosts(nil, []byte(p.GitHubKnownHosts)); err != nil {
		return &api.ParameterError{Key: "GITHUB_KNOWN_HOSTS", Problem: err.Error()}
	}
	if p.GitHubCA != "" && !p.Submodules && source.IsForgeURL(p.GitHubURL) {
		return &api.ParameterError{Key: "GITHUB_CA", Problem: "is of no use for the host of GITHUB_URL, which counts only with the CA certificates of the system " +
			"and of the operator: leave it out; where a proxy opens TLS, the operator sets SBS_CA_BUNDLE"}
	}
	if p.TrustPushServer != "" {
		if err := notary.CheckServer(p.TrustPushServer); err != nil {
			return &api.ParameterError{Key: "DOCKER_CONTENT_TRUST_PUSH_SERVER", Problem: err.Error()}
		}
	}
	return nil
}

// SourceCredentials returns the entries of GITHUB_CREDENTIALS as package source takes
// them.
func SourceCredentials(list api.Credentials) []source.Credential {
	var all []source.Credential
	for i, c := range list {
		all = append(all, source.Credential{
			Name: api.CredentialName(i, ""), URL: c.URL, SSHKey: []byte(c.Key), User: c.User, Token: string(c.Token), Auth: c.Auth,
		})
	}
	return all
}
