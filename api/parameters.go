package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Parameters are all parameters that a developer sends to the server, by init and
// update. The zero value of a field means "not given"; its comment has the default.
// Parse checks; Go code may fill the struct directly only in tests.
type Parameters struct {
	RuntimeType   string // RUNTIME_TYPE: vpc, on-prem or classic
	BuildImageTag string // BUILD_IMAGE_TAG: version of the server image, shown in the status
	RepoID        string // REPO_ID: classic only
	Secret        Secret // SECRET: base64, the developer's half of the state key
	NewSecret     Secret // NEW_SECRET: replaces SECRET when an update succeeds
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
	LFS               bool        // GITHUB_LFS (addition): Git LFS objects instead of their pointers

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

	ImageSigning Methods      // IMAGE_SIGNING (addition): the signing methods; see Signing for the default
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

	SBOMIncomplete string // SBOM_INCOMPLETE (addition): "fail": a build whose SBOM has gaps fails

	ManifestStore ObjectStore // MANIFEST_BUCKET_NAME, MANIFEST_COS_*
	StateStore    ObjectStore // STATE_BUCKET_NAME, STATE_COS_*

	ISVSecret map[string]string // ISV_SECRET: classic only; values are secrets
}

// ParameterError reports which parameter is wrong, what is wrong with it, and what
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
// that the sender can fix is a *ParameterError.
func ParseParameters(body []byte) (Parameters, error) {
	var p Parameters
	if err := json.Unmarshal(body, &p); err != nil {
		return Parameters{}, err
	}
	if err := p.normalize(); err != nil {
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

func sortedKeys(values map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// isEmpty reports whether a JSON value is empty: the stock client sends
// keys that its user left empty.
func isEmpty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "null", `""`, "{}", "[]":
		return true
	}
	return false
}
