package server

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/pipeline"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/signature/notary"
)

// init takes the parameters. Later ones replace earlier ones, if they come with
// the same SECRET.
func (s *Server) init(w http.ResponseWriter, r *http.Request) error {
	given, err := s.receive(r)
	if err != nil {
		return err
	}
	if given.NewSecret != "" {
		return &api.ParameterError{Key: "NEW_SECRET", Problem: "belongs to update, not to init"}
	}
	err = s.change(func(stored *api.Parameters) (api.Parameters, error) {
		if stored != nil && !same(stored.Secret, given.Secret) {
			return api.Parameters{}, errWrongSecret
		}
		return given, nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK, Warnings: given.Warnings()})
	return nil
}

// update replaces the parameters, and the secret when the old one is proven.
func (s *Server) update(w http.ResponseWriter, r *http.Request) error {
	given, err := s.receive(r)
	if err != nil {
		return err
	}
	err = s.change(func(stored *api.Parameters) (api.Parameters, error) {
		if stored == nil {
			return api.Parameters{}, errNotInitialised
		}
		return renewed(stored.Secret, given)
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK, Warnings: given.Warnings()})
	return nil
}

// renewed is given with the secret that holds from now on. An update whose
// reply was lost may come again: its NEW_SECRET is the stored one by then.
func renewed(stored api.Secret, given api.Parameters) (api.Parameters, error) {
	repeated := given.NewSecret != "" && same(stored, given.NewSecret)
	if !same(stored, given.Secret) && !repeated {
		return api.Parameters{}, errWrongSecret
	}
	if given.NewSecret != "" {
		given.Secret = given.NewSecret
		given.NewSecret = ""
	}
	return given, nil
}

// receive reads parameters and checks all that can be checked before anything
// is stored: configuration is checked once, here.
func (s *Server) receive(r *http.Request) (api.Parameters, error) {
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
	if err := checkParts(parameters); err != nil {
		return api.Parameters{}, err
	}
	return parameters, s.Builder.Check(parameters)
}

// checkParts asks the parts of the server what only they know.
func checkParts(p api.Parameters) error {
	if err := source.CheckURL(p.GitHubURL); err != nil {
		return &api.ParameterError{Key: "GITHUB_URL", Problem: err.Error()}
	}
	if err := source.CheckReference(p.GitHubBranch); err != nil {
		return &api.ParameterError{Key: "GITHUB_BRANCH", Problem: err.Error()}
	}
	if i, err := source.CheckCredentials(pipeline.SourceCredentials(p.GitHubCredentials)); err != nil {
		return &api.ParameterError{Key: "GITHUB_CREDENTIALS", Problem: fmt.Sprintf("entry [%d]: %v", i, err)}
	}
	if err := source.CheckDeveloperKnownHosts(nil, []byte(p.GitHubKnownHosts)); err != nil {
		return &api.ParameterError{Key: "GITHUB_KNOWN_HOSTS", Problem: err.Error()}
	}
	if p.GitHubCA != "" && !p.Submodules && source.IsForgeURL(p.GitHubURL) {
		return &api.ParameterError{Key: "GITHUB_CA", Problem: "is of no use for the host of GITHUB_URL, which counts only with the CA certificates of the system " +
			"and of the operator: leave it out; behind a proxy that opens TLS, the operator sets SBS_CA_BUNDLE"}
	}
	if p.TrustPushServer != "" {
		if err := notary.CheckServer(p.TrustPushServer); err != nil {
			return &api.ParameterError{Key: "DOCKER_CONTENT_TRUST_PUSH_SERVER", Problem: err.Error()}
		}
	}
	return nil
}

// same compares secrets in constant time.
func same(a, b api.Secret) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
