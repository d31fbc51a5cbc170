package engine

// The accounts of registries, as the Engine's API takes them.

import (
	registrytypes "github.com/docker/docker/api/types/registry"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder/solve"
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

// serverAddress returns the registry's name in the Engine's API.
func serverAddress(server string) string {
	host := solve.RegistryHost(server)
	if host == "docker.io" {
		return hubServer
	}
	return host
}

// authConfigs returns the same accounts as the classic builder takes them.
func authConfigs(accounts []api.RegistryAccount) map[string]registrytypes.AuthConfig {
	configs := make(map[string]registrytypes.AuthConfig, len(accounts))
	for _, account := range accounts {
		configs[serverAddress(account.Host)] = authConfig(account)
	}
	return configs
}
