package api

import (
	"fmt"
	"log/slog"
)

// RegistryAccount is an account of one registry. It is computed once from the
// parameters and handed down by value. No format verb prints the password, and its
// JSON form has none.
type RegistryAccount struct {
	// Host is the registry's host and, if it has one, port: "us.icr.io",
	// "registry.example:5000"; Docker Hub is "docker.io".
	Host     string
	User     string
	Password Secret `json:"-"`
}

// String returns the user and the host. Without it, fmt would show the password after a
// pointer that it formats with a wrong verb.
func (a RegistryAccount) String() string { return fmt.Sprintf("%s at %s", a.User, a.Host) }

// GoString is String, for %#v.
func (a RegistryAccount) GoString() string { return a.String() }

// LogValue is String, for structured logs.
func (a RegistryAccount) LogValue() slog.Value { return slog.StringValue(a.String()) }

// PushAccount returns the account of the registry that the image is pushed to.
func (p Parameters) PushAccount() RegistryAccount {
	return RegistryAccount{Host: p.Registry(), User: p.DockerUser, Password: p.DockerPassword}
}

// PullAccounts returns the accounts for base images: that of the base registry, and
// that of the push registry for base images that are next to the image. There is one
// account for each host; if both are the same registry, that for base images.
func (p Parameters) PullAccounts() []RegistryAccount {
	push := p.PushAccount()
	if p.BaseUser == "" {
		return []RegistryAccount{push}
	}
	base := RegistryAccount{Host: p.BaseRegistry(), User: p.BaseUser, Password: p.BasePassword}
	if base.Host == push.Host {
		return []RegistryAccount{base}
	}
	return []RegistryAccount{push, base}
}
