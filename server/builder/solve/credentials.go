package solve

// Credentials belong to one registry. The names under which Docker Hub is known
// are the only ones that mean the same registry without being equal.

import (
	"context"
	"strings"

	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"

	"github.com/opensbs/sbs/api"
)

// RegistryHost normalizes a registry's address: lower case
// host and port, and "docker.io" for Docker Hub.
func RegistryHost(server string) string {
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

// accountFor returns the account for a host, or a zero one, which is anonymous.
func accountFor(host string, accounts []api.RegistryAccount) api.RegistryAccount {
	for _, account := range accounts {
		if RegistryHost(account.Host) == RegistryHost(host) {
			return account
		}
	}
	return api.RegistryAccount{}
}

// Credentials serves BuildKit's requests for credentials during one build.
// It refuses the token calls: BuildKit then fetches its tokens itself, with
// the credentials of this call.
type Credentials struct {
	auth.UnimplementedAuthServer
	Accounts []api.RegistryAccount
}

// Register makes Credentials a session.Attachable.
func (p *Credentials) Register(server *grpc.Server) {
	auth.RegisterAuthServer(server, p)
}

// Credentials returns the account of the requested host and of no other. An unknown
// host gets an empty reply, which means anonymous.
func (p *Credentials) Credentials(_ context.Context, request *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	account := accountFor(request.GetHost(), p.Accounts)
	return &auth.CredentialsResponse{Username: account.User, Secret: string(account.Password)}, nil
}
