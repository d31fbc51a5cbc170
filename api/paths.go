package api

// Paths of the server. The method decides the meaning of PathImage: POST is
// init, PATCH update, PUT build, DELETE clean, GET status.
const (
	PathImage        = "/image"
	PathLog          = "/log/{name}"
	PathManifest     = "/manifest"
	PathPublicKey    = "/publickey"
	PathImageDigest  = "/imagedigest"
	PathConfigJSON   = "/config-json"
	PathConfigPython = "/config-python"
	PathStateImage   = "/state-image"

	// PathLookaside is an addition: a lookaside store of simple signatures, below
	// it <namespaces>/<name>@sha256=<hex>/signature-<number>.
	PathLookaside = "/lookaside"

	// PathBuilds is an addition: the history of builds, newest first. The query
	// takes limit, 1 to MaxBuilds, DefaultBuilds unless given, and before, the id
	// of a build: only those that began earlier are listed.
	PathBuilds = "/builds"

	// PathAttestation is an addition: evidence of what the server runs in, over
	// the nonce in its query.
	PathAttestation = "/attestation"

	// PathMetrics is an addition: metrics in Prometheus' text format.
	PathMetrics = "/metrics"

	// PathHealth is served on a port of its own, without TLS: whether the
	// server serves.
	PathHealth = "/healthz"

	// PathEvents is an addition: the running build's log and statuses as a
	// stream of Event values, one JSON object a line, until the build ends.
	PathEvents = "/events"
)

// QueryNonce is the query parameter of PathAttestation: base64url without
// padding of 16 to 64 bytes.
const QueryNonce = "nonce"

// BuildLog is the only log the server keeps for its users: the name in
// /log/{name}.
const BuildLog = "build"

// Bounds of one reply to PathBuilds.
const (
	DefaultBuilds = 100
	MaxBuilds     = 10_000
)

// MaxBody bounds every request body, in bytes. The largest honest one is an
// init with keys and known hosts, a few dozen kilobytes.
const MaxBody = 1 << 20

// MaxStateBody bounds the body that brings a state image, in bytes.
const MaxStateBody = 4 << 20
