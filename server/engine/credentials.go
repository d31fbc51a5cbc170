package engine

// Credentials belong to one registry. The names under which Docker Hub is known
// are the only ones that mean the same registry without being equal.

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	registrytypes "github.com/docker/docker/api/types/registry"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// hubServer is the name under which the Engine's own API knows Docker Hub.
const hubServer = "https://index.docker.io/v1/"

// Registry is what it takes to log in to one registry. It prints without its
// password, and marshals without it.
type Registry struct {
	// Server is the registry's host and, where it has one, port: "us.icr.io",
	// "registry.example:5000". Docker Hub goes by any of its names.
	Server   string
	User     string
	Password string `json:"-"`
}

// String gives the user and the server.
func (r Registry) String() string { return fmt.Sprintf("%s at %s", r.User, r.Server) }

// GoString is String, so that %#v does not print the password.
func (r Registry) GoString() string { return r.String() }

// LogValue is String, so that a structured log does not hold the password.
func (r Registry) LogValue() slog.Value { return slog.StringValue(r.String()) }

func (r Registry) authConfig() registrytypes.AuthConfig {
	return registrytypes.AuthConfig{
		Username:      r.User,
		Password:      r.Password,
		ServerAddress: serverAddress(r.Server),
	}
}

// registryHost reduces the spellings of a registry's address to one: lower case
// host and port, and "docker.io" for Docker Hub.
func registryHost(server string) string {
	host := strings.ToLower(strings.TrimSpace(server))
	host = strings.TrimPrefix(host, "https://")
	host = strings.TrimPrefix(host, "http://")
	host, _, _ = strings.Cut(host, "/")
	switch host {
	case "docker.io", "index.docker.io", "registry-1.docker.io":
		return "docker.io"
	}
	return host
}

// serverAddress is the registry's name in the Engine's API.
func serverAddress(server string) string {
	host := registryHost(server)
	if host == "docker.io" {
		return hubServer
	}
	return host
}

// credentialsFor picks the credentials for a host. The zero Registry, which
// stands for none, is anonymous.
func credentialsFor(host string, registries []Registry) Registry {
	for _, r := range registries {
		if registryHost(r.Server) == registryHost(host) {
			return r
		}
	}
	return Registry{}
}

// credentialsProvider answers BuildKit's questions for credentials during one
// build. The token calls stay unimplemented: BuildKit then fetches its tokens
// itself, with the credentials of this call.
type credentialsProvider struct {
	auth.UnimplementedAuthServer
	registries []Registry
}

// Register makes the provider a session.Attachable.
func (p *credentialsProvider) Register(server *grpc.Server) {
	auth.RegisterAuthServer(server, p)
}

// Credentials answers for the host asked about and for no other. An unknown
// host gets an empty answer, which means anonymous.
func (p *credentialsProvider) Credentials(_ context.Context, request *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	r := credentialsFor(request.GetHost(), p.registries)
	return &auth.CredentialsResponse{Username: r.User, Secret: r.Password}, nil
}

// authConfigs is the classic builder's form of the same credentials.
func authConfigs(registries []Registry) map[string]registrytypes.AuthConfig {
	configs := make(map[string]registrytypes.AuthConfig, len(registries))
	for _, r := range registries {
		configs[serverAddress(r.Server)] = r.authConfig()
	}
	return configs
}
