package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Parameters is everything a developer tells the server, by init and update.
// The zero value of a field means "not given"; defaults stand beside each.
// Parse checks; Go code may fill the struct directly only in tests.
type Parameters struct {
	RuntimeType   string // RUNTIME_TYPE: vpc, on-prem or classic
	BuildImageTag string // BUILD_IMAGE_TAG: version of the server image, shown in the status
	RepoID        string // REPO_ID: classic only
	Secret        Secret // SECRET: base64, the developer's half of the state key
	NewSecret     Secret // NEW_SECRET: takes SECRET's place when an update succeeds
	ExitNonzero   bool   // EXIT_NONZERO: for clients; no effect on the server

	GitHubURL         string      // GITHUB_URL, credentials taken out
	GitHubBranch      string      // GITHUB_BRANCH: branch, tag or full commit id; empty: the remote's default
	GitHubKey         Secret      // GITHUB_KEY: SSH private key
	GitHubUser        string      // GITHUB_USER (addition): HTTPS user, or from GITHUB_URL
	GitHubToken       Secret      // GITHUB_TOKEN (addition): HTTPS password or token, or from GITHUB_URL
	GitHubAuth        string      // GITHUB_AUTH (addition): how the token is sent: basic, the default, or bearer
	GitHubCredentials Credentials // GITHUB_CREDENTIALS (addition): keys and tokens of hosts and repositories, before the three above
	GitHubKnownHosts  string      // GITHUB_KNOWN_HOSTS (addition): known_hosts text
	GitHubCA          string      // GITHUB_CA (addition): PEM certificates trusted for HTTPS clones
	GitHubDepth       int         // GITHUB_DEPTH (addition): commits of history; 0 means 1
	Submodules        bool        // GITHUB_RECURSE_SUBMODULES
	LFS               bool        // GITHUB_LFS (addition): Git LFS objects in the place of their pointers

	DockerRepo      string            // DOCKER_REPO: namespace/name, without registry and tag
	DockerUser      string            // DOCKER_USER
	DockerPassword  Secret            // DOCKER_PASSWORD
	PushServer      string            // DOCKER_PUSH_SERVER: host[:port]; empty: docker.io
	ROUser          string            // DOCKER_RO_USER
	ROPassword      Secret            // DOCKER_RO_PASSWORD
	BaseServer      string            // DOCKER_BASE_SERVER: host[:port]; empty: docker.io
	BaseUser        string            // DOCKER_BASE_USER
	BasePassword    Secret            // DOCKER_BASE_PASSWORD
	ImageTagPrefix  string            // IMAGE_TAG_PREFIX
	DockerfilePath  string            // DOCKERFILE_PATH: from the top of the repository; empty: Dockerfile
	DockerBuildPath string            // DOCKER_BUILD_PATH: the context, from the top of the repository; empty: the top
	Args            map[string]string // ARG
	EnvWhitelist    []string          // ENV_WHITELIST

	ImageSigning Methods      // IMAGE_SIGNING (addition): the ways of signing; see Signing for the default
	Attestations Attestations // ATTESTATIONS (addition): which of them are published; see Published for the default

	TrustPushServer string     // DOCKER_CONTENT_TRUST_PUSH_SERVER: the notary server, as https URL or host[:port]
	TrustCA         string     // DOCKER_CONTENT_TRUST_CA (addition): PEM certificates trusted for the notary
	BasePolicy      BasePolicy // BASE_IMAGE_POLICY (addition); see BaseRules for what else makes rules
	BaseSigstoreKey string     // BASE_IMAGE_SIGSTORE_KEY (addition): PEM, for all images of BaseRegistry
	TrustBase       bool       // DOCKER_CONTENT_TRUST_BASE
	TrustBaseServer string     // DOCKER_CONTENT_TRUST_BASE_SERVER
	ICRBaseRepo     string     // ICR_BASE_REPO: the image that BaseKey verifies, with or without a tag
	ICRBaseKeyPath  string     // ICR_BASE_REPO_PUBLIC_KEY: a path on the client; ignored
	BaseKey         string     // BASE_REPO_PUBLIC_KEY: OpenPGP public key text

	KeptCount int    // BUILDS_KEPT (addition): finished builds that the server keeps; see BuildsKept
	KeptSize  string // BUILDS_KEPT_SIZE (addition): what they may take together, as 10GiB

	ProgressLimit string // PROGRESS_TIMEOUT (addition): see ProgressTimeout
	BuildLimit    string // BUILD_TIMEOUT (addition): see BuildTimeout

	SBOMIncomplete string // SBOM_INCOMPLETE (addition): "fail" where a build fails whose bill of materials has gaps

	ManifestStore ObjectStore // MANIFEST_BUCKET_NAME, MANIFEST_COS_*
	StateStore    ObjectStore // STATE_BUCKET_NAME, STATE_COS_*

	ISVSecret map[string]string // ISV_SECRET: classic only; values are secrets
}

// ParameterError says which parameter is wrong, what is wrong with it, and what
// it takes. Its text never holds a secret's value.
type ParameterError struct {
	Key     string
	Problem string
	Takes   string
}

func (e *ParameterError) Error() string {
	if e.Takes == "" {
		return e.Key + ": " + e.Problem
	}
	return e.Key + ": " + e.Problem + "; it takes " + e.Takes
}

// ParseParameters reads a JSON object with the keys of the fields table, in
// capitals, and checks each value and what must hold between them. Every error
// that the sender can mend is a *ParameterError.
func ParseParameters(body []byte) (Parameters, error) {
	var p Parameters
	if err := json.Unmarshal(body, &p); err != nil {
		return Parameters{}, err
	}
	if err := p.settle(); err != nil {
		return Parameters{}, err
	}
	return p, nil
}

// UnmarshalJSON decodes and checks each key by itself.
func (p *Parameters) UnmarshalJSON(data []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("parameters are not a JSON object: %w", err)
	}
	for _, key := range sortedKeys(values) {
		if problem, ok := refused[key]; ok {
			if isEmpty(values[key]) {
				continue
			}
			return &ParameterError{Key: key, Problem: problem}
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			return &ParameterError{Key: key, Problem: "no such parameter", Takes: "none of its kind: look it up in docs/parameters.md, keys are in capitals"}
		}
		if err := fields[i].decode(p, values[key]); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON writes the parameters that are given, secrets in clear: the wire
// form, and what is sealed on the volume.
func (p Parameters) MarshalJSON() ([]byte, error) {
	return json.Marshal(p.values(func(field) bool { return true }))
}

// Public returns the parameters that are given and are not secret, by key, for
// the build record. Of GITHUB_CREDENTIALS the keys and tokens are secret.
func (p Parameters) Public() map[string]any {
	values := p.values(func(f field) bool { return !f.secret })
	if len(p.GitHubCredentials) != 0 {
		values[credentialsKey] = p.GitHubCredentials.public()
	}
	return values
}

// Secrets returns every secret that is given, by the name that stands for it in
// logs and statuses, without angle brackets.
func (p Parameters) Secrets() map[string]string {
	secrets := map[string]string{}
	for _, f := range fields {
		if !f.secret {
			continue
		}
		switch value := f.at(&p).(type) {
		case *Secret:
			if *value != "" {
				secrets[f.key] = string(*value)
			}
		case *map[string]string:
			for name, text := range *value {
				secrets[f.key+"."+name] = text
			}
		case *Credentials:
			maps.Copy(secrets, value.secrets())
		}
	}
	return secrets
}

// Login is a user name and the secret that goes with it.
type Login struct {
	Name     string // of the secret, as in Secrets
	User     string
	Password string
}

// Logins returns the pairs of user names and secrets: HTTP sends them as one text.
func (p Parameters) Logins() []Login {
	all := []Login{
		{"GITHUB_TOKEN", cmp.Or(p.GitHubUser, "git"), string(p.GitHubToken)},
		{"DOCKER_PASSWORD", p.DockerUser, string(p.DockerPassword)},
		{"DOCKER_RO_PASSWORD", p.ROUser, string(p.ROPassword)},
		{"DOCKER_BASE_PASSWORD", p.BaseUser, string(p.BasePassword)},
		{"MANIFEST_COS_HMAC_SECRET_ACCESS_KEY", p.ManifestStore.HMACKeyID, string(p.ManifestStore.HMACSecret)},
		{"STATE_COS_HMAC_SECRET_ACCESS_KEY", p.StateStore.HMACKeyID, string(p.StateStore.HMACSecret)},
	}
	all = append(all, p.GitHubCredentials.logins()...)
	return slices.DeleteFunc(all, func(l Login) bool { return l.Password == "" })
}

func (p Parameters) values(want func(field) bool) map[string]any {
	values := map[string]any{}
	for _, f := range fields {
		if !want(f) {
			continue
		}
		switch value := f.at(&p).(type) {
		case *string:
			if *value != "" {
				values[f.key] = *value
			}
		case *Secret:
			if *value != "" {
				values[f.key] = string(*value)
			}
		case *bool:
			if *value {
				values[f.key] = "True"
			}
		case *int:
			if *value != 0 {
				values[f.key] = *value
			}
		case *[]string:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *Methods:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *Attestations:
			if *value != nil {
				values[f.key] = *value
			}
		case *BasePolicy:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *Credentials:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *map[string]string:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		}
	}
	return values
}

func sortedKeys(values map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// isEmpty reports whether a JSON value says nothing: the stock client sends
// keys that its user left empty.
func isEmpty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "null", `""`, "{}", "[]":
		return true
	}
	return false
}
