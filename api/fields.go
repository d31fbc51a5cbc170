package api

// field is one parameter: its key, the member of Parameters, what it takes
// in words, and the check that enforces those words.
type field struct {
	key    string
	at     func(*Parameters) any // *string, *Secret, *bool, *int, *[]string, *Methods, *Attestations, *BasePolicy, *Credentials or *map[string]string
	takes  string
	bare   func(string) string // what is taken off a text before it is checked; nil for nothing but white space
	check  func(string) string // the problem, or ""; for lists and objects, of each item
	secret bool
}

// fields is every parameter the server takes, in the order of the guide.
var fields = []field{
	{key: "RUNTIME_TYPE", at: func(p *Parameters) any { return &p.RuntimeType }, takes: "vpc, on-prem or classic", check: oneOf("vpc", "on-prem", "classic")},
	{key: "BUILD_IMAGE_TAG", at: func(p *Parameters) any { return &p.BuildImageTag }, takes: "the version of the server image, up to 128 characters in one line", check: lineUpTo(128)},
	{key: "REPO_ID", at: func(p *Parameters) any { return &p.RepoID }, takes: "up to 128 characters in one line", check: lineUpTo(128)},
	{key: "SECRET", at: func(p *Parameters) any { return &p.Secret }, takes: "the base64 of 32 to 512 random bytes, such as openssl rand -base64 32 prints", check: strongSecret, secret: true},
	{key: "NEW_SECRET", at: func(p *Parameters) any { return &p.NewSecret }, takes: "the base64 of 32 to 512 random bytes, such as openssl rand -base64 32 prints", check: strongSecret, secret: true},
	{key: "EXIT_NONZERO", at: func(p *Parameters) any { return &p.ExitNonzero }, takes: "True or False"},

	{key: "GITHUB_URL", at: func(p *Parameters) any { return &p.GitHubURL }, takes: "git@host:owner/repo.git, ssh://git@host/owner/repo.git or https://host/owner/repo.git", check: lineUpTo(2048)},
	{key: "GITHUB_BRANCH", at: func(p *Parameters) any { return &p.GitHubBranch }, takes: "a branch, a tag or a full commit id", check: gitReference},
	{key: "GITHUB_KEY", at: func(p *Parameters) any { return &p.GitHubKey }, takes: "the text of an SSH private key, up to 64 KiB", check: textUpTo(64 << 10), secret: true},
	{key: "GITHUB_USER", at: func(p *Parameters) any { return &p.GitHubUser }, takes: "a user name for HTTPS", check: lineUpTo(256)},
	{key: "GITHUB_TOKEN", at: func(p *Parameters) any { return &p.GitHubToken }, takes: "a token or password for HTTPS, in one line", check: lineUpTo(4096), secret: true},
	{key: "GITHUB_AUTH", at: func(p *Parameters) any { return &p.GitHubAuth }, takes: "how GITHUB_TOKEN is sent: basic or bearer", check: oneOf("basic", "bearer")},
	{key: "GITHUB_CREDENTIALS", at: func(p *Parameters) any { return &p.GitHubCredentials }, takes: "a list of objects with url, and key, or token with user and auth, up to 100", secret: true},
	{key: "GITHUB_KNOWN_HOSTS", at: func(p *Parameters) any { return &p.GitHubKnownHosts }, takes: "lines of a known_hosts file, up to 64 KiB", check: knownHosts},
	{key: "GITHUB_CA", at: func(p *Parameters) any { return &p.GitHubCA }, takes: "CA certificates in PEM, up to 256 KiB", check: certificates},
	{key: "GITHUB_DEPTH", at: func(p *Parameters) any { return &p.GitHubDepth }, takes: "a whole number from 1 to 1000000"},
	{key: "GITHUB_RECURSE_SUBMODULES", at: func(p *Parameters) any { return &p.Submodules }, takes: "True or False"},
	{key: "GITHUB_LFS", at: func(p *Parameters) any { return &p.LFS }, takes: "True or False"},

	{key: "DOCKER_REPO", at: func(p *Parameters) any { return &p.DockerRepo }, takes: "namespace/name in lower case, without registry and tag", check: repository},
	{key: "DOCKER_USER", at: func(p *Parameters) any { return &p.DockerUser }, takes: "a user name, in one line", check: lineUpTo(256)},
	{key: "DOCKER_PASSWORD", at: func(p *Parameters) any { return &p.DockerPassword }, takes: "a password, in one line", check: lineUpTo(8192), secret: true},
	{key: "DOCKER_PUSH_SERVER", at: func(p *Parameters) any { return &p.PushServer }, takes: "the registry as host or host:port", bare: bareRegistry, check: registryHost},
	{key: "DOCKER_RO_USER", at: func(p *Parameters) any { return &p.ROUser }, takes: "a user name, in one line", check: lineUpTo(256)},
	{key: "DOCKER_RO_PASSWORD", at: func(p *Parameters) any { return &p.ROPassword }, takes: "a password, in one line", check: lineUpTo(8192), secret: true},
	{key: "DOCKER_BASE_SERVER", at: func(p *Parameters) any { return &p.BaseServer }, takes: "the registry as host or host:port", bare: bareRegistry, check: registryHost},
	{key: "DOCKER_BASE_USER", at: func(p *Parameters) any { return &p.BaseUser }, takes: "a user name, in one line", check: lineUpTo(256)},
	{key: "DOCKER_BASE_PASSWORD", at: func(p *Parameters) any { return &p.BasePassword }, takes: "a password, in one line", check: lineUpTo(8192), secret: true},
	{key: "IMAGE_TAG_PREFIX", at: func(p *Parameters) any { return &p.ImageTagPrefix }, takes: "1 to 120 of letters, digits, '_', '.' and '-', not beginning with '.' or '-'", check: tagPrefix},
	{key: "DOCKERFILE_PATH", at: func(p *Parameters) any { return &p.DockerfilePath }, takes: "a path within the repository, from its top", check: pathInRepository},
	{key: "DOCKER_BUILD_PATH", at: func(p *Parameters) any { return &p.DockerBuildPath }, takes: "a folder within the repository, from its top", check: pathInRepository},
	{key: "ARG", at: func(p *Parameters) any { return &p.Args }, takes: "an object of build arguments: names of letters, digits and '_', values of text", check: textUpTo(64 << 10)},
	{key: "ENV_WHITELIST", at: func(p *Parameters) any { return &p.EnvWhitelist }, takes: "a list of names of environment variables", check: environmentName},

	{key: "IMAGE_SIGNING", at: func(p *Parameters) any { return &p.ImageSigning }, takes: "a list, or a text with commas, of dct, simple, sigstore and sigstore-legacy"},
	{key: "ATTESTATIONS", at: func(p *Parameters) any { return &p.Attestations }, takes: "a list, or a text with commas, of provenance and sbom; [] for none"},
	{key: "DOCKER_CONTENT_TRUST_PUSH_SERVER", at: func(p *Parameters) any { return &p.TrustPushServer }, takes: "the notary server as https://host[:port] or host[:port]", check: notaryServer},
	{key: "DOCKER_CONTENT_TRUST_CA", at: func(p *Parameters) any { return &p.TrustCA }, takes: "CA certificates in PEM, up to 256 KiB", check: certificates},
	{key: "SBOM_INCOMPLETE", at: func(p *Parameters) any { return &p.SBOMIncomplete }, takes: "allow or fail", check: oneOf("allow", "fail")},
	{key: "BASE_IMAGE_POLICY", at: func(p *Parameters) any { return &p.BasePolicy }, takes: "a list of objects with image, method (dct, simple, sigstore or digest), key, server and lookaside, up to 100"},
	{key: "BASE_IMAGE_SIGSTORE_KEY", at: func(p *Parameters) any { return &p.BaseSigstoreKey }, takes: "a sigstore public key in PEM, up to 64 KiB", check: publicKey},
	{key: "DOCKER_CONTENT_TRUST_BASE", at: func(p *Parameters) any { return &p.TrustBase }, takes: "True or False"},
	{key: "DOCKER_CONTENT_TRUST_BASE_SERVER", at: func(p *Parameters) any { return &p.TrustBaseServer }, takes: "the notary server as https://host[:port] or host[:port]", check: notaryServer},
	{key: "ICR_BASE_REPO", at: func(p *Parameters) any { return &p.ICRBaseRepo }, takes: "the base image as registry/namespace/name, with or without a tag", check: lineUpTo(512)},
	{key: "ICR_BASE_REPO_PUBLIC_KEY", at: func(p *Parameters) any { return &p.ICRBaseKeyPath }, takes: "a path, in one line", check: lineUpTo(4096)},
	{key: "BASE_REPO_PUBLIC_KEY", at: func(p *Parameters) any { return &p.BaseKey }, takes: "an OpenPGP public key, up to 64 KiB", check: textUpTo(64 << 10)},

	{key: "BUILDS_KEPT", at: func(p *Parameters) any { return &p.KeptCount }, takes: "a whole number from 1 to 1000000"},
	{key: "BUILDS_KEPT_SIZE", at: func(p *Parameters) any { return &p.KeptSize }, takes: "a whole number, up to 999999, followed by MiB, GiB or TiB", check: keptSize},
	{key: "PROGRESS_TIMEOUT", at: func(p *Parameters) any { return &p.ProgressLimit }, takes: "a time such as 90s, 5m or 2h, up to 168h, or 0 for no limit", check: timeLimit},
	{key: "BUILD_TIMEOUT", at: func(p *Parameters) any { return &p.BuildLimit }, takes: "a time such as 90s, 5m or 2h, up to 168h, or 0 for no limit", check: timeLimit},

	{key: "MANIFEST_BUCKET_NAME", at: func(p *Parameters) any { return &p.ManifestStore.Bucket }, takes: "a bucket name: 3 to 63 of lower-case letters, digits, '.' and '-'", check: bucketName},
	{key: "MANIFEST_COS_API_KEY_ID", at: func(p *Parameters) any { return &p.ManifestStore.APIKey }, takes: "an IAM API key, in one line", check: lineUpTo(1024), secret: true},
	{key: "MANIFEST_COS_RESOURCE_CRN", at: func(p *Parameters) any { return &p.ManifestStore.ResourceCRN }, takes: "a resource CRN, in one line", check: lineUpTo(1024)},
	{key: "MANIFEST_COS_AUTH_ENDPOINT", at: func(p *Parameters) any { return &p.ManifestStore.AuthEndpoint }, takes: "an https URL", check: endpointURL},
	{key: "MANIFEST_COS_ENDPOINT", at: func(p *Parameters) any { return &p.ManifestStore.Endpoint }, takes: "the S3 service as https://host[:port] or host[:port]", check: hostOrURL},
	{key: "MANIFEST_COS_HMAC_ACCESS_KEY_ID", at: func(p *Parameters) any { return &p.ManifestStore.HMACKeyID }, takes: "the id of an HMAC key, in one line", check: lineUpTo(1024)},
	{key: "MANIFEST_COS_HMAC_SECRET_ACCESS_KEY", at: func(p *Parameters) any { return &p.ManifestStore.HMACSecret }, takes: "the secret of an HMAC key, in one line", check: lineUpTo(1024), secret: true},
	{key: "MANIFEST_COS_CA", at: func(p *Parameters) any { return &p.ManifestStore.CA }, takes: "CA certificates in PEM, up to 256 KiB", check: certificates},
	{key: "STATE_BUCKET_NAME", at: func(p *Parameters) any { return &p.StateStore.Bucket }, takes: "a bucket name: 3 to 63 of lower-case letters, digits, '.' and '-'", check: bucketName},
	{key: "STATE_COS_API_KEY_ID", at: func(p *Parameters) any { return &p.StateStore.APIKey }, takes: "an IAM API key, in one line", check: lineUpTo(1024), secret: true},
	{key: "STATE_COS_RESOURCE_CRN", at: func(p *Parameters) any { return &p.StateStore.ResourceCRN }, takes: "a resource CRN, in one line", check: lineUpTo(1024)},
	{key: "STATE_COS_AUTH_ENDPOINT", at: func(p *Parameters) any { return &p.StateStore.AuthEndpoint }, takes: "an https URL", check: endpointURL},
	{key: "STATE_COS_ENDPOINT", at: func(p *Parameters) any { return &p.StateStore.Endpoint }, takes: "the S3 service as https://host[:port] or host[:port]", check: hostOrURL},
	{key: "STATE_COS_HMAC_ACCESS_KEY_ID", at: func(p *Parameters) any { return &p.StateStore.HMACKeyID }, takes: "the id of an HMAC key, in one line", check: lineUpTo(1024)},
	{key: "STATE_COS_HMAC_SECRET_ACCESS_KEY", at: func(p *Parameters) any { return &p.StateStore.HMACSecret }, takes: "the secret of an HMAC key, in one line", check: lineUpTo(1024), secret: true},
	{key: "STATE_COS_CA", at: func(p *Parameters) any { return &p.StateStore.CA }, takes: "CA certificates in PEM, up to 256 KiB", check: certificates},

	{key: "ISV_SECRET", at: func(p *Parameters) any { return &p.ISVSecret }, takes: "an object of names and texts", check: textUpTo(64 << 10), secret: true},
}

// refused are parameters of the original that this server does not take, each
// with what to use instead.
var refused = map[string]string{
	"SECRETS":      "is not taken: secrets in a build end up in its image or log; fetch them when the container starts, from the contract's env section",
	"BUILD_SCRIPT": "is not taken: the Dockerfile is the whole build, so that what was reviewed is what runs; call the script from a RUN line",
	"BUILD_DIR":    "is not taken: name the folder to build in with DOCKER_BUILD_PATH",
}
