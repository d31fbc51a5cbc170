package main

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/opensbs/sbs/signature"
)

// registryAccess is the account with which a repository is read: that of the
// environment, or what docker login or podman login keeps. It is never taken
// from the command line, which others on the machine can see.
func (p program) registryAccess(repository string) (signature.Access, error) {
	if user := p.getenv("SBS_DOCKER_RO_USER"); user != "" {
		return signature.Access{User: user, Password: p.getenv("SBS_DOCKER_RO_PASSWORD")}, nil
	}
	return keptAccess(repository)
}

// keptAccess is the account that docker login or podman login keeps.
func keptAccess(repository string) (signature.Access, error) {
	resource, err := name.NewRepository(repository)
	if err != nil {
		return signature.Access{}, fmt.Errorf("repository %q: %w", repository, err)
	}
	kept, err := authn.DefaultKeychain.Resolve(resource)
	if err != nil {
		return signature.Access{}, fmt.Errorf("look for the account of %s: %w", resource.RegistryStr(), err)
	}
	account, err := kept.Authorization()
	if err != nil {
		return signature.Access{}, fmt.Errorf("look for the account of %s: %w", resource.RegistryStr(), err)
	}
	return signature.Access{
		User: account.Username, Password: account.Password,
		IdentityToken: account.IdentityToken, RegistryToken: account.RegistryToken,
	}, nil
}
