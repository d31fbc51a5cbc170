package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Record is what is known of one build: the state of the server's build slot
// while the build runs, record.json in its folder and data/build.json in its
// manifest when it is done. It holds no secret. A value is empty until it is
// known. docs/manifest.md lists the fields.
type Record struct {
	ID     string `json:"id"`     // start time in UTC, to the microsecond
	Status string `json:"status"` // the last step that is done, or the failure
	Cause  string `json:"cause,omitempty"`
	// TagsMoving means that the build is moving its tags, or ended while it did: of
	// each of them it is not known where it leads. Never in a success.
	TagsMoving bool `json:"tags_moving,omitempty"`

	BuildImageTag     string `json:"build_image_tag"`
	BuildName         string `json:"build_name"`
	ImageTag          string `json:"image_tag"`
	ManifestKeyGen    string `json:"manifest_key_gen"`
	ManifestPublicKey string `json:"manifest_public_key"`
	RootSSHEnabled    bool   `json:"root_ssh_enabled"`

	Enclave     string      `json:"enclave"`
	Repository  string      `json:"repository"` // registry/namespace/name
	Commit      string      `json:"commit"`
	Committed   time.Time   `json:"committed"`
	Submodules  []Submodule `json:"submodules,omitempty"`
	ImageDigest string      `json:"image_digest"`
	BaseImages  []BaseImage `json:"base_images"`
	Downloads   []Download  `json:"downloads,omitempty"` // by ADD; only if the builder reports them
	Signatures  []Signature `json:"signatures"`
	// Attestations are signed statements about the image; the manifest holds them.
	Attestations []Attestation  `json:"attestations"`
	Parameters   map[string]any `json:"parameters"` // without secrets
	// BuildArgs are the build arguments of the operator that the build got besides
	// those of Parameters.
	BuildArgs map[string]string `json:"operator_build_arguments,omitempty"`
	// OperatorAnchors are the texts by which the operator lets every build know git
	// hosts and other servers. Missing in the records of older servers.
	OperatorAnchors []Anchor `json:"operator_anchors"`
	// SandboxMissing are the parts of the confinement that the server's machine
	// refused to the processes that read Dockerfiles and images, as phrases.
	SandboxMissing []string `json:"sandbox_missing,omitempty"`

	Tools    map[string]string    `json:"tools"` // name: version
	Started  time.Time            `json:"started"`
	Steps    map[string]time.Time `json:"steps"` // status: when its step was done
	Finished time.Time            `json:"finished"`
}

// Submodule is a repository that was cloned within the repository.
type Submodule struct {
	Path   string `json:"path"`
	URL    string `json:"url"`
	Commit string `json:"commit"`
}

// Names of the operator's anchors: the server's environment values.
const (
	AnchorKnownHosts = "SBS_KNOWN_HOSTS"
	AnchorCABundle   = "SBS_CA_BUNDLE"
)

// Anchor is a text with keys or CA certificates of servers.
type Anchor struct {
	Name   string `json:"name"`   // one of Anchor*
	SHA256 string `json:"sha256"` // of the text, in hex
}

// BaseImage is an image that the build took from outside.
type BaseImage struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	// How it was verified before the build, where base images are verified: one
	// of api.Signing* or api.BaseDigest, and the key, which api.BaseDigest has not.
	Method string `json:"method,omitempty"`
	KeyID  string `json:"key_id,omitempty"`
}

// Download is a file or a repository that an ADD instruction fetched.
type Download struct {
	URL    string `json:"url"`
	Digest string `json:"digest"` // sha256:… of the file, or sha1:… of the commit
}

// Signature is how the image is signed and what verifies it.
type Signature struct {
	Method      string `json:"method"` // one of api.Signing*
	PublicKeyID string `json:"public_key_id"`
	PublicKey   string `json:"public_key"`
}

// Attestation is a signed statement about the image.
type Attestation struct {
	Name          string `json:"name"`               // one of api.Attestation*
	PredicateType string `json:"predicate_type"`     // the kind of statement: a URI
	SHA256        string `json:"sha256"`             // of the bundle, in hex
	Referrer      string `json:"referrer,omitempty"` // digest of the manifest that refers to the image; empty when it is not published
	PublicKeyID   string `json:"public_key_id"`
	PublicKey     string `json:"public_key"`
}

// SourceURL returns the repository's URL as the parameters have it, without
// credentials, or "" in a record that has none.
func (r Record) SourceURL() string {
	url, _ := r.Parameters["GITHUB_URL"].(string)
	return url
}

// Clone returns a copy that shares no list and no map with r. The values within
// Parameters are shared: nobody changes them.
func (r Record) Clone() Record {
	r.Submodules = slices.Clone(r.Submodules)
	r.BaseImages = slices.Clone(r.BaseImages)
	r.Downloads = slices.Clone(r.Downloads)
	r.Signatures = slices.Clone(r.Signatures)
	r.Attestations = slices.Clone(r.Attestations)
	r.Parameters = maps.Clone(r.Parameters)
	r.BuildArgs = maps.Clone(r.BuildArgs)
	r.OperatorAnchors = slices.Clone(r.OperatorAnchors)
	r.SandboxMissing = slices.Clone(r.SandboxMissing)
	r.Tools = maps.Clone(r.Tools)
	r.Steps = maps.Clone(r.Steps)
	return r
}

// Encode returns the bytes of record.json and of data/build.json: one JSON object,
// indented by two spaces, with its fields in the order of the type and a newline at
// its end.
func Encode(r Record) ([]byte, error) {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode build record: %w", err)
	}
	return append(content, '\n'), nil
}

// Decode reads what Encode returned, of this version or another: fields that it
// does not know are ignored, and those that are missing stay empty. The caller
// bounds the size of content, and checks the signature over it first where there
// is one.
func Decode(content []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(content, &r); err != nil {
		return Record{}, fmt.Errorf("decode build record: %w", err)
	}
	return r, nil
}

// Summary is the part of a record that a list of builds shows. Decoding it alone
// keeps a list of 10,000 builds quick.
type Summary struct {
	ID          string    `json:"id"`
	Status      string    `json:"status"`
	BuildName   string    `json:"build_name"`
	Repository  string    `json:"repository"`
	ImageDigest string    `json:"image_digest"`
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished"`
}

// DecodeSummary reads the summary out of what Encode returned, as Decode does.
func DecodeSummary(content []byte) (Summary, error) {
	var s Summary
	if err := json.Unmarshal(content, &s); err != nil {
		return Summary{}, fmt.Errorf("decode build record: %w", err)
	}
	return s, nil
}
