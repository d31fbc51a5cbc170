package api

import "time"

// Answer is the reply to init, update, build and clean, the reply to status
// before init, and the reply of every route that fails in JSON.
type Answer struct {
	Status string `json:"status"`

	// Code and Key are additions for programs: what kind of failure it is, and
	// which parameter it is about.
	Code Code   `json:"code,omitempty"`
	Key  string `json:"key,omitempty"`
	// Warnings is an addition too: sentences about parameters that init or update
	// accepted, and that may not be what their sender means.
	Warnings []string `json:"warnings,omitempty"`
}

// Code classifies a failure for programs. Additions; a stock client ignores
// them.
type Code string

const (
	CodeBadRequest     Code = "bad_request"     // 400: the body is not what the route takes
	CodeBadParameter   Code = "bad_parameter"   // 400: Answer.Key names the parameter
	CodeForbidden      Code = "forbidden"       // 403: the secret is not the server's
	CodeNotFound       Code = "not_found"       // 404: no such build, log or route
	CodeNoEvidence     Code = "no_evidence"     // 404: the machine gives no evidence of what it is
	CodeNotAllowed     Code = "not_allowed"     // 405: the route has no such method
	CodeGone           Code = "gone"            // 410: the build's manifest is not kept any more
	CodeVolume         Code = "data_volume"     // 507 or 500: the data volume is full, read-only or damaged
	CodeBusy           Code = "busy"            // 409: a build runs
	CodeNotInitialised Code = "not_initialised" // 409: init comes first
	CodeIncomplete     Code = "incomplete"      // 409: a state was imported, and update comes first
	CodeState          Code = "state_refused"   // 409 or 400: this state image can't be imported here
	CodeStore          Code = "object_store"    // 502: the object store did not do it
	CodeTooLarge       Code = "too_large"       // 413: the body is larger than MaxBody
	CodeInternal       Code = "internal"        // 500: the server's log has the cause
	CodeStopping       Code = "stopping"        // 503: the server is shutting down
)

// Status is the reply to status after init. Values are empty until they are
// known.
type Status struct {
	BuildImageTag     string `json:"build_image_tag"`
	BuildName         string `json:"build_name"`
	ImageTag          string `json:"image_tag"`
	ManifestKeyGen    string `json:"manifest_key_gen"`
	ManifestPublicKey string `json:"manifest_public_key"`
	RootSSHEnabled    bool   `json:"root_ssh_enabled"`
	Status            string `json:"status"`

	// Additions.
	Building bool   `json:"building"`          // a build runs now
	Cause    string `json:"cause,omitempty"`   // why the last build failed, in words
	Enclave  string `json:"enclave,omitempty"` // "simulated", or the kind of enclave
	Volume   string `json:"volume,omitempty"`  // what is wrong with the data volume, and what to do
}

// ManifestKeySoftware is Status.ManifestKeyGen: the manifest key was generated
// in software, inside the enclave.
const ManifestKeySoftware = "soft_crypto"

// Log is the reply to log: whole lines, each with its newline.
type Log struct {
	Log string `json:"log"`
}

// BuildSelector is the request body of manifest and publickey. An empty name
// means the latest build that succeeded.
type BuildSelector struct {
	BuildName string `json:"BUILD_NAME"`
}

// Manifest is the reply to manifest. EncodedManifest is the standard base64 of
// the signed manifest file (package manifest).
type Manifest struct {
	ManifestName    string `json:"manifest_name"`
	EncodedManifest string `json:"encoded_manifest"`
}

// PublicKey is the reply to publickey: the RSA key that verifies the manifest
// of that build, as PEM SubjectPublicKeyInfo.
type PublicKey struct {
	PublicKeyPEM string `json:"public_key_pem"`
	BuildName    string `json:"build_name"`
}

// ImageConfig is the reply to config-json: what a deployment of the image needs.
type ImageConfig struct {
	RepositoryName string   `json:"repository_name"` // docker.io/ns/repo, no tag
	DockerUsername string   `json:"docker_username"` // the read-only pair
	DockerPassword Secret   `json:"docker_password"`
	EnvsWhitelist  []string `json:"envs_whitelist"`
	PublicKeyID    string   `json:"public_key_id"` // of the first signature that contracts take
	PublicKey      string   `json:"public_key"`

	// Additions.
	Signatures []ImageSignature `json:"signatures"`
	// Lookaside is the URL of the lookaside store that has the image's simple
	// signatures; empty when the registry keeps them.
	Lookaside string `json:"lookaside,omitempty"`
}

// ImageSignature is how the image is signed and what verifies it.
type ImageSignature struct {
	// Method is one of the Signing constants, or KeyOfAttestations.
	Method string `json:"method"`
	// ID names the key: the root key's id in root.json for dct, the fingerprint
	// for simple, the hex SHA-256 of the public key's DER for the others.
	ID string `json:"id"`
	// Key is base64 of a PEM certificate for dct, an armoured OpenPGP key for
	// simple, a PEM public key for the others.
	Key string `json:"key"`
}

// StateSelector is the request body of get-state-image. With a bucket the state
// goes there, by the STATE_COS_* parameters.
type StateSelector struct {
	Bucket string `json:"state_bucket_name,omitempty"`
}

// StateImage is the reply to get-state-image.
type StateImage struct {
	Name      string `json:"name"`            // the latest build's name, and that of the object
	ExportTag string `json:"export_tag"`      // sha256:<hex> of the text of the state
	State     string `json:"state,omitempty"` // the sealed text; not when it went to a bucket
}

// StateImport is the request body of post-state-image: the state itself, or the
// object it is in.
type StateImport struct {
	Secret Secret `json:"secret"`
	State  string `json:"state,omitempty"`
	Bucket string `json:"state_bucket_name,omitempty"` // STATE_BUCKET_NAME when left out
	Name   string `json:"name,omitempty"`
}

// Builds is the reply to builds. Next is the value of before for the builds
// that follow; empty when there are none.
type Builds struct {
	Builds []Build `json:"builds"`
	Next   string  `json:"next,omitempty"`
}

// Build is one line of the history. Values are empty when they are not known.
type Build struct {
	ID        string    `json:"id"` // start time in UTC, to the microsecond
	BuildName string    `json:"build_name"`
	Status    string    `json:"status"`
	Image     string    `json:"image"` // registry/namespace/name@sha256:<hex>
	Started   time.Time `json:"started,omitzero"`
	Finished  time.Time `json:"finished,omitzero"`

	Manifest     bool  `json:"manifest"`      // get-manifest has it
	ManifestSize int64 `json:"manifest_size"` // bytes
	Size         int64 `json:"size"`          // bytes that the build takes on the data volume

	// Problem is what is wrong with the build's record, and what to do.
	Problem string `json:"problem,omitempty"`
}

// Event is one line of the events stream. Exactly one field is set.
type Event struct {
	Log    string  `json:"log,omitempty"`    // one line of the build log, without its newline
	Status *Status `json:"status,omitempty"` // the status after a step; Building false ends the stream
}
