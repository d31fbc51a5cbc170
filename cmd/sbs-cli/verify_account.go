package main

import (
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/signature"
)

// registryAccess returns the accounts and CA certificates with which the image is
// read: that for its registry, and for an image in a mirror that for the notary
// server of the original. DOCKER_RO_USER in the configuration that --env names comes
// first: it is an account of the original's registry.
func (p program) registryAccess(c *cli.Context, request verify.Request, settings *config.Config) (access, origin signature.Access, err error) {
	if access, err = p.account(request.Reference.Repository); err != nil {
		return signature.Access{}, signature.Access{}, err
	}
	if request.Mirrored() {
		if origin, err = keptAccount(request.Trust.Repository); err != nil {
			return signature.Access{}, signature.Access{}, err
		}
	}
	if settings != nil && settings.Text("DOCKER_RO_USER") != "" {
		account := signature.Access{User: settings.Text("DOCKER_RO_USER"), Password: api.Secret(settings.Text("DOCKER_RO_PASSWORD"))}
		if request.Mirrored() {
			origin = account
		} else {
			access = account
		}
	}
	bundle, err := caBundle(c.String("ca"))
	access.CABundle, origin.CABundle = bundle, bundle
	return access, origin, err
}

// caBundle reads the file with CA certificates that --ca names, if it does.
func caBundle(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	bundle, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	if err := public.Certificates(bundle); err != nil {
		return nil, fmt.Errorf("--ca: %s %w", path, err)
	}
	return bundle, nil
}

// account returns the account with which a repository is read: that of the
// environment, or what docker login or podman login keeps. It is never taken
// from the command line, which others on the machine can see.
func (p program) account(repository string) (signature.Access, error) {
	if user := p.getenv(envReadUser); user != "" {
		return signature.Access{User: user, Password: api.Secret(p.getenv("SBS_DOCKER_RO_PASSWORD"))}, nil
	}
	return keptAccount(repository)
}

// keptAccount returns the account that docker login or podman login keeps.
func keptAccount(repository string) (signature.Access, error) {
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
		User: account.Username, Password: api.Secret(account.Password),
		IdentityToken: api.Secret(account.IdentityToken), RegistryToken: api.Secret(account.RegistryToken),
	}, nil
}
