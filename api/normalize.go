package api

import (
	"net/url"
	"strings"
)

// normalize takes the credentials out of the URL and checks what must hold between
// parameters.
func (p *Parameters) normalize() error {
	if err := p.splitCredentials(); err != nil {
		return err
	}
	if p.RuntimeType == "" {
		p.RuntimeType = "vpc"
	}
	if err := p.required(); err != nil {
		return err
	}
	if p.RuntimeType == "classic" && p.RepoID == "" {
		return &ParameterError{Key: "REPO_ID", Problem: "is missing", Takes: "the repository id, which RUNTIME_TYPE classic needs"}
	}
	if err := p.checkRepository(); err != nil {
		return err
	}
	if p.NewSecret != "" && p.NewSecret == p.Secret {
		return &ParameterError{Key: "NEW_SECRET", Problem: "is the same as SECRET", Takes: "a new one"}
	}
	if err := p.stores(); err != nil {
		return err
	}
	if err := p.checkSigning(); err != nil {
		return err
	}
	if err := p.checkBases(); err != nil {
		return err
	}
	if err := p.checkCredentials(); err != nil {
		return err
	}
	return p.pairs()
}

// checkRepository refuses a DOCKER_REPO that repeats the registry, and one that
// Docker Hub can't have.
func (p *Parameters) checkRepository() error {
	first, rest, several := strings.Cut(p.DockerRepo, "/")
	switch {
	case several && orDockerHub(first) == p.Registry():
		return &ParameterError{Key: "DOCKER_REPO", Problem: quoted(p.DockerRepo) + " repeats the registry, which is " + p.Registry() + " already; write " + quoted(rest), Takes: takes("DOCKER_REPO")}
	case p.Registry() != DockerHub || strings.Count(p.DockerRepo, "/") == 1:
		return nil
	case strings.Contains(first, ".") && strings.Contains(rest, "/"):
		return &ParameterError{Key: "DOCKER_REPO", Problem: quoted(p.DockerRepo) + " begins with a registry; write " + quoted(rest) + ", and " + quoted(first) + " into DOCKER_PUSH_SERVER", Takes: takes("DOCKER_REPO")}
	}
	return &ParameterError{Key: "DOCKER_REPO", Problem: quoted(p.DockerRepo) + " is no repository of Docker Hub", Takes: "namespace/name; set DOCKER_PUSH_SERVER to push to another registry"}
}

// stores checks each object store that has a bucket. Without one its other
// parameters do nothing: the stock client gives both stores the same.
func (p *Parameters) stores() error {
	if p.ManifestStore.Bucket != "" {
		if err := p.ManifestStore.Check("MANIFEST_"); err != nil {
			return err
		}
	}
	if p.StateStore.Bucket != "" {
		return p.StateStore.Check("STATE_")
	}
	return nil
}

func (p *Parameters) required() error {
	for _, need := range []struct{ key, value string }{
		{"GITHUB_URL", p.GitHubURL},
		{"DOCKER_REPO", p.DockerRepo},
		{"DOCKER_USER", p.DockerUser},
		{"DOCKER_PASSWORD", string(p.DockerPassword)},
		{"SECRET", string(p.Secret)},
	} {
		if need.value == "" {
			return &ParameterError{Key: need.key, Problem: "is missing", Takes: takes(need.key)}
		}
	}
	return nil
}

// pairs are parameters that have no effect alone.
func (p *Parameters) pairs() error {
	for _, pair := range []struct{ key, value, other, otherValue string }{
		{"DOCKER_BASE_USER", p.BaseUser, "DOCKER_BASE_PASSWORD", string(p.BasePassword)},
		{"DOCKER_RO_USER", p.ROUser, "DOCKER_RO_PASSWORD", string(p.ROPassword)},
	} {
		if pair.value != "" && pair.otherValue == "" {
			return &ParameterError{Key: pair.other, Problem: "is missing, but " + pair.key + " is given", Takes: takes(pair.other)}
		}
		if pair.value == "" && pair.otherValue != "" {
			return &ParameterError{Key: pair.key, Problem: "is missing, but " + pair.other + " is given", Takes: takes(pair.key)}
		}
	}
	return nil
}

// minLoneToken is the length in bytes from which the only name before the @ of an
// https GITHUB_URL is a token, unless GITHUB_TOKEN is given. No forge gives out
// shorter ones.
const minLoneToken = 20

// splitCredentials moves user and token of an https GITHUB_URL to their own fields,
// so that the URL can be shown. The stock client has no other parameter for a
// token.
func (p *Parameters) splitCredentials() error {
	if !strings.HasPrefix(p.GitHubURL, "https://") && !strings.HasPrefix(p.GitHubURL, "http://") {
		return nil
	}
	u, err := url.Parse(p.GitHubURL)
	if err != nil {
		// The parser's own error quotes the URL, which may hold a token.
		return &ParameterError{Key: "GITHUB_URL", Problem: "is not a URL", Takes: takes("GITHUB_URL")}
	}
	if u.User == nil {
		return nil
	}
	user, token := p.credentialsOf(u.User)
	if token != "" && p.GitHubToken != "" && string(p.GitHubToken) != token {
		return &ParameterError{Key: "GITHUB_TOKEN", Problem: "differs from the one in GITHUB_URL", Takes: "the token once, here or in the URL"}
	}
	if p.GitHubUser == "" {
		p.GitHubUser = user
	}
	if token != "" {
		p.GitHubToken = Secret(token)
	}
	u.User = nil
	p.GitHubURL = u.String()
	return nil
}

// credentialsOf returns the user name and the token before the @ of a URL. A name
// alone is a user name where the token is given elsewhere (the clone buttons of
// Azure DevOps and Bitbucket write one) or where it is too short for a token.
// Otherwise it is a token: GitHub and GitLab accept one alone, and a token must not
// be published as a user name.
func (p *Parameters) credentialsOf(info *url.Userinfo) (user, token string) {
	name := info.Username()
	if password, both := info.Password(); both {
		return name, password
	}
	isUser := name == p.GitHubUser || p.GitHubToken != "" || len(name) < minLoneToken
	if isUser && name != string(p.GitHubToken) {
		return name, ""
	}
	return "", name
}

func takes(key string) string {
	for _, f := range fields {
		if f.key == key {
			return f.takes
		}
	}
	return ""
}
