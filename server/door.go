package server

import (
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/signature/notary"
)

// receive reads parameters and checks all that can be checked before anything
// is stored: configuration is checked once, here.
func receive(r *http.Request) (api.Parameters, error) {
	body, err := readBody(r)
	if err != nil {
		return api.Parameters{}, err
	}
	parameters, err := api.ParseParameters(body)
	if err != nil {
		var parameter *api.ParameterError
		if errors.As(err, &parameter) {
			return api.Parameters{}, parameter
		}
		return api.Parameters{}, &badRequest{err}
	}
	return parameters, checkParts(parameters)
}

// checkParts asks the parts of the server what only they know.
func checkParts(p api.Parameters) error {
	if _, err := source.ParseURL(p.GitHubURL); err != nil {
		return &api.ParameterError{Key: "GITHUB_URL", Problem: err.Error()}
	}
	if err := source.CheckReference(p.GitHubBranch); err != nil {
		return &api.ParameterError{Key: "GITHUB_BRANCH", Problem: err.Error()}
	}
	if err := source.CheckKnownHosts([]byte(p.GitHubKnownHosts)); err != nil {
		return &api.ParameterError{Key: "GITHUB_KNOWN_HOSTS", Problem: err.Error()}
	}
	if p.TrustPushServer != "" {
		if err := notary.CheckServer(p.TrustPushServer); err != nil {
			return &api.ParameterError{Key: "DOCKER_CONTENT_TRUST_PUSH_SERVER", Problem: err.Error()}
		}
	}
	return notYet(p)
}

// notYet refuses what this server can't do yet: to take such a parameter and
// not obey it would be a lie about what was verified or stored.
func notYet(p api.Parameters) error {
	switch {
	case p.TrustBase:
		return &api.ParameterError{Key: "DOCKER_CONTENT_TRUST_BASE", Problem: "this server doesn't verify signed base images yet", Takes: "False"}
	case p.ICRBaseRepo != "" || p.BaseKey != "":
		return &api.ParameterError{Key: "ICR_BASE_REPO", Problem: "this server doesn't verify signed base images yet", Takes: "nothing"}
	}
	return nil
}

// same compares secrets in constant time.
func same(a, b api.Secret) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
