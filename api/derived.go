package api

// What the parameters mean together: names made of them, and defaults.

import (
	"strings"
	"time"
)

// Registry is the registry that images are pushed to: host[:port].
func (p Parameters) Registry() string {
	return orDockerHub(p.PushServer)
}

// BaseRegistry is the registry whose base images DOCKER_BASE_USER may pull.
func (p Parameters) BaseRegistry() string {
	return orDockerHub(p.BaseServer)
}

// Repository is the full name of the pushed image's repository, without a tag:
// registry/namespace/name. It is also the image's GUN.
func (p Parameters) Repository() string {
	return p.Registry() + "/" + p.DockerRepo
}

// ImageTag is the tag of an image built from commit: the prefix and the first
// seven digits of the commit id, or the digits alone without a prefix.
func (p Parameters) ImageTag(commit string) string {
	short := commit[:min(7, len(commit))]
	if p.ImageTagPrefix == "" {
		return short
	}
	return p.ImageTagPrefix + "-" + short
}

// Depth returns the number of commits of history to clone; 1 unless given.
func (p Parameters) Depth() int {
	return max(p.GitHubDepth, 1)
}

// BuildsKept returns the number of finished builds that the server keeps, 100
// unless given, and how many bytes they may take together, 10 GiB unless given.
func (p Parameters) BuildsKept() (count int, size int64) {
	count, size = p.KeptCount, 10<<30
	if count == 0 {
		count = 100
	}
	if given, ok := byteCount(p.KeptSize); ok {
		size = given
	}
	return count, size
}

// ProgressTimeout returns the time for which a git host, a registry or the builder
// may make no progress before the build ends; 5 minutes unless given, 0 for no
// limit.
func (p Parameters) ProgressTimeout() time.Duration {
	if limit, ok := duration(p.ProgressLimit); ok {
		return limit
	}
	return 5 * time.Minute
}

// BuildTimeout returns the limit of the duration of a whole build; 0, no limit,
// unless given.
func (p Parameters) BuildTimeout() time.Duration {
	limit, _ := duration(p.BuildLimit)
	return limit
}

func orDockerHub(server string) string {
	switch strings.ToLower(server) {
	case "", "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		return DockerHub
	}
	return server
}

// DockerHub is the registry that a name without a registry means.
const DockerHub = "docker.io"
