package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// BaseDigest is the only method of verifying a base image without a signature: its
// digest was reviewed, and the rule lists it. The others are SigningDCT,
// SigningSimple and SigningSigstore.
const BaseDigest = "digest"

// BaseRule is the rule for base images with certain names: one object of
// BASE_IMAGE_POLICY.
type BaseRule struct {
	// Image is the pattern of the names; see imagePattern and docs/base-images.md.
	Image string `json:"image"`
	// Method is SigningDCT, SigningSimple, SigningSigstore or BaseDigest.
	Method string `json:"method"`
	// Key is what verifies: an armoured OpenPGP public key for simple, a PEM public
	// key for sigstore, the root key's id or its base64 PEM certificate for dct
	// (may be empty: the first root seen is pinned), and digests with white space
	// or commas between them for digest.
	Key BaseKey `json:"key,omitempty"`
	// Server is the notary server for dct: https://host[:port] or host[:port].
	Server string `json:"server,omitempty"`
	// Lookaside is the URL of the signature store for simple, where the
	// registry keeps no signatures.
	Lookaside string `json:"lookaside,omitempty"`

	// Parameter is the key of the parameter that the rule comes from.
	Parameter string `json:"-"`
}

// BaseKey is a text; JSON may have it as a list of lines.
type BaseKey string

// UnmarshalJSON takes a text or a list of texts.
func (k *BaseKey) UnmarshalJSON(data []byte) error {
	var text string
	var lines []string
	switch {
	case json.Unmarshal(data, &text) == nil:
		*k = BaseKey(text)
	case json.Unmarshal(data, &lines) == nil:
		*k = BaseKey(strings.Join(lines, "\n"))
	default:
		return errors.New("key is neither a text nor a list of texts")
	}
	return nil
}

// Digests are the digests of a rule of the method BaseDigest.
func (r BaseRule) Digests() []string {
	return strings.FieldsFunc(string(r.Key), func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
}

// Covers reports whether the rule is for the image: a full name without tag and
// digest, and its tag or "".
func (r BaseRule) Covers(repository, tag string) bool {
	pattern, problem := parsePattern(r.Image)
	return problem == "" && pattern.matches(repository, tag)
}

// BasePolicy is BASE_IMAGE_POLICY: the first rule that covers an image counts.
type BasePolicy []BaseRule

const (
	maxRules   = 100
	maxBaseKey = 64 << 10 // bytes
)

// basePolicy reads BASE_IMAGE_POLICY. An empty list is refused; it does not mean
// "off".
func basePolicy(raw json.RawMessage) (BasePolicy, string) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, "is not a list of objects"
	}
	switch {
	case len(items) == 0:
		return nil, "is empty, which would allow no base image at all; leave it out to verify none"
	case len(items) > maxRules:
		return nil, fmt.Sprintf("has more than %d rules", maxRules)
	}
	var policy BasePolicy
	for i, item := range items {
		var rule BaseRule
		decoder := json.NewDecoder(bytes.NewReader(item))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&rule); err != nil {
			return nil, fmt.Sprintf("rule %d is not understood: %v", i+1, err)
		}
		for _, text := range []*string{&rule.Image, &rule.Method, &rule.Server, &rule.Lookaside} {
			*text = trimmed(*text)
		}
		if problem := rule.problem(); problem != "" {
			return nil, fmt.Sprintf("rule %d: %s", i+1, problem)
		}
		policy = append(policy, rule)
	}
	return policy, ""
}

var sha256Digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// problem checks the form of a rule; the server reads its key.
func (r BaseRule) problem() string {
	if _, problem := parsePattern(r.Image); problem != "" {
		return "image " + problem
	}
	if problem := textUpTo(maxBaseKey)(string(r.Key)); problem != "" {
		return "key " + problem
	}
	if problem := noPrivateKey(string(r.Key)); problem != "" {
		return "key " + problem
	}
	if !slices.Contains([]string{SigningDCT, SigningSimple, SigningSigstore, BaseDigest}, r.Method) {
		return "method " + quoted(r.Method) + " is none of dct, simple, sigstore and digest"
	}
	if r.Key == "" && r.Method != SigningDCT {
		return "key is missing, without which " + r.Method + " verifies nothing"
	}
	if problem := r.serverProblem(); problem != "" {
		return problem
	}
	if r.Lookaside != "" && r.Method != SigningSimple {
		return "lookaside is for the method simple only"
	}
	if r.Lookaside != "" {
		if problem := endpointURL(r.Lookaside); problem != "" {
			return "lookaside " + problem
		}
	}
	if r.Method == BaseDigest {
		for _, digest := range r.Digests() {
			if !sha256Digest.MatchString(digest) {
				return "key holds " + quoted(digest) + ", which is not sha256: and 64 hex digits"
			}
		}
	}
	return ""
}

// noNotary explains why there is no default server.
const noNotary = "notary.docker.io, the default of the original, shuts down on 8 December 2026"

func (r BaseRule) serverProblem() string {
	switch {
	case r.Method != SigningDCT && r.Server != "":
		return "server is for the method dct only"
	case r.Method == SigningDCT && r.Server == "":
		return "server is missing: name the notary server that has the image's trust data; " + noNotary
	case r.Server == "":
		return ""
	}
	if problem := notaryServer(r.Server); problem != "" {
		return "server " + problem
	}
	return ""
}

// BaseRules are all rules, those of BASE_IMAGE_POLICY first and then those that the
// shorter parameters are equivalent to. With none, base images are not verified.
func (p Parameters) BaseRules() []BaseRule {
	var rules []BaseRule
	for _, rule := range p.BasePolicy {
		rule.Parameter = "BASE_IMAGE_POLICY"
		rules = append(rules, rule)
	}
	if p.ICRBaseRepo != "" {
		rules = append(rules, BaseRule{Image: p.ICRBaseRepo, Method: SigningSimple, Key: BaseKey(p.BaseKey), Parameter: "ICR_BASE_REPO"})
	}
	if p.BaseSigstoreKey != "" {
		rules = append(rules, BaseRule{Image: p.BaseRegistry() + "/**", Method: SigningSigstore, Key: BaseKey(p.BaseSigstoreKey), Parameter: "BASE_IMAGE_SIGSTORE_KEY"})
	}
	// The original has the switch on for simple signing too, and the registry's
	// name instead of the notary server's.
	if p.TrustBase && p.ICRBaseRepo == "" {
		rules = append(rules, BaseRule{Image: "**", Method: SigningDCT, Server: p.TrustBaseServer, Parameter: "DOCKER_CONTENT_TRUST_BASE"})
	}
	return rules
}

// checkBases refuses parameters for base images that have no effect alone, or that
// could not be obeyed together.
func (p *Parameters) checkBases() error {
	switch {
	case p.ICRBaseRepo != "" && p.BaseKey == "":
		return &ParameterError{Key: "ICR_BASE_REPO", Problem: "is given without the key that verifies it", Takes: "an image, with its OpenPGP public key in BASE_REPO_PUBLIC_KEY (ICR_BASE_REPO_PUBLIC_KEY names its file)"}
	case p.TrustBase && p.TrustBaseServer == "" && p.ICRBaseRepo == "":
		return &ParameterError{
			Key:     "DOCKER_CONTENT_TRUST_BASE",
			Problem: "is True, but DOCKER_CONTENT_TRUST_BASE_SERVER names no notary server; " + noNotary,
			Takes:   "True with the notary server that has your base images' trust data; for base images signed otherwise, or pinned, use BASE_IMAGE_POLICY",
		}
	}
	rules := p.BaseRules()
	for i, rule := range rules {
		if problem := rule.problem(); problem != "" {
			return &ParameterError{Key: rule.Parameter, Problem: problem, Takes: takes(rule.Parameter)}
		}
		for _, earlier := range rules[:i] {
			if earlier.hides(rule) {
				return &ParameterError{
					Key:     rule.Parameter,
					Problem: fmt.Sprintf("the rule for %s (%s) is never reached: that for %s (%s) comes before it and covers the same images", rule.Image, rule.Method, earlier.Image, earlier.Method),
					Takes:   "rules of which the first that covers an image counts: the narrower before the wider, and those of BASE_IMAGE_POLICY before the shorter parameters",
				}
			}
		}
	}
	return nil
}
