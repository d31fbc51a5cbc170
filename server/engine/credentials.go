package engine

// Credentials belong to one registry. The names under which Docker Hub is known
// are the only ones that mean the same registry without being equal.

import (
	"context"
	"strings"

	registrytypes "github.com/docker/docker/api/types/registry"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"

	"github.com/opensbs/sbs/api"
)

// hubServer is the name under which the Engine's own API knows Docker Hub.
const hubServer = "https://index.docker.io/v1/"

// authConfig returns an account as the Engine's API takes it.
func authConfig(account api.RegistryAccount) registrytypes.AuthConfig {
	return registrytypes.AuthConfig{
		Username:      account.User,
		Password:      string(account.Password),
		ServerAddress: serverAddress(account.Host),
	}
}

// registryHost normalizes a registry's address: lower case
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

// serverAddress returns the registry's name in the Engine's API.
func serverAddress(server string) string {
	host := registryHost(server)
	if host == "docker.io" {
		return hubServer
	}
	return host
}

// accountFor returns the account for a host, or a zero one, which is anonymous.
func accountFor(host string, accounts []api.RegistryAccount) api.RegistryAccount {
	for _, account := range accounts {
		if registryHost(account.Host) == registryHost(host) {
			return account
		}
	}
	return api.RegistryAccount{}
}

// credentialsProvider serves BuildKit's requests for credentials during one build.
// It refuses the token calls: BuildKit then fetches its tokens itself, with
// the credentials of this call.
type credentialsProvider struct {
	auth.UnimplementedAuthServer
	accounts []api.RegistryAccount
}

// Register makes the provider a session.Attachable.
func (p *credentialsProvider) Register(server *grpc.Server) {
	auth.RegisterAuthServer(server, p)
}

// Credentials returns the account of the requested host and of no other. An unknown
// host gets an empty reply, which means anonymous.
func (p *credentialsProvider) Credentials(_ context.Context, request *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	account := accountFor(request.GetHost(), p.accounts)
	return &auth.CredentialsResponse{Username: account.User, Secret: string(account.Password)}, nil
}

// authConfigs returns the same accounts as the classic builder takes them.
func authConfigs(accounts []api.RegistryAccount) map[string]registrytypes.AuthConfig {
	configs := make(map[string]registrytypes.AuthConfig, len(accounts))
	for _, account := range accounts {
		configs[serverAddress(account.Host)] = authConfig(account)
	}
	return configs
}
