package baseimage

import (
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
)

// Access is how the registries of base images and the servers of their rules are
// accessed. It is computed once for a build.
type Access struct {
	// Common is the same for all registries, and has no account.
	Common signature.Access
	// Accounts are the accounts of registries, at most one for each host.
	Accounts []api.RegistryAccount
	// TrustCABundle holds the CA certificates for rules of Docker Content Trust, in
	// place of those of Common: PEM text.
	TrustCABundle []byte
}

// of returns the access to the registry of a repository, and to the server of the rule
// that covers the image.
func (a Access) of(repository string, rule api.BaseRule) signature.Access {
	access := a.Common
	if rule.Method == api.SigningDCT {
		access.CABundle = a.TrustCABundle
	}
	host, _, _ := strings.Cut(repository, "/")
	for _, account := range a.Accounts {
		if strings.EqualFold(account.Host, host) {
			access.User, access.Password = account.User, account.Password
			break
		}
	}
	return access
}
