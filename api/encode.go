package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// MarshalJSON writes the parameters that are given, secrets in clear: the wire
// form, and what is sealed on the volume.
func (p Parameters) MarshalJSON() ([]byte, error) {
	return json.Marshal(p.values(func(field) bool { return true }))
}

// Public returns the parameters that are given and are not secret, by key, for
// the build record. Of GITHUB_CREDENTIALS the keys and tokens are secret.
func (p Parameters) Public() map[string]any {
	values := p.values(func(f field) bool { return !f.secret })
	if len(p.GitHubCredentials) != 0 {
		values[credentialsKey] = p.GitHubCredentials.public()
	}
	return values
}

// Secrets returns every secret that is given, by the name that replaces it in
// logs and statuses, without angle brackets.
func (p Parameters) Secrets() map[string]string {
	secrets := map[string]string{}
	for _, f := range fields {
		if !f.secret {
			continue
		}
		switch value := f.at(&p).(type) {
		case *Secret:
			if *value != "" {
				secrets[f.key] = string(*value)
			}
		case *map[string]string:
			for name, text := range *value {
				secrets[f.key+"."+name] = text
			}
		case *Credentials:
			maps.Copy(secrets, value.secrets())
		}
	}
	return secrets
}

// Login is a user name and the secret that goes with it.
type Login struct {
	Name     string // of the secret, as in Secrets
	User     string
	Password string
}

// Logins returns the pairs of user names and secrets: HTTP sends them as one text.
func (p Parameters) Logins() []Login {
	all := []Login{
		{"GITHUB_TOKEN", cmp.Or(p.GitHubUser, "git"), string(p.GitHubToken)},
		{"DOCKER_PASSWORD", p.DockerUser, string(p.DockerPassword)},
		{"DOCKER_RO_PASSWORD", p.ROUser, string(p.ROPassword)},
		{"DOCKER_BASE_PASSWORD", p.BaseUser, string(p.BasePassword)},
		{"MANIFEST_COS_HMAC_SECRET_ACCESS_KEY", p.ManifestStore.HMACKeyID, string(p.ManifestStore.HMACSecret)},
		{"STATE_COS_HMAC_SECRET_ACCESS_KEY", p.StateStore.HMACKeyID, string(p.StateStore.HMACSecret)},
	}
	all = append(all, p.GitHubCredentials.logins()...)
	return slices.DeleteFunc(all, func(l Login) bool { return l.Password == "" })
}

func (p Parameters) values(want func(field) bool) map[string]any {
	values := map[string]any{}
	for _, f := range fields {
		if !want(f) {
			continue
		}
		switch value := f.at(&p).(type) {
		case *string:
			if *value != "" {
				values[f.key] = *value
			}
		case *Secret:
			if *value != "" {
				values[f.key] = string(*value)
			}
		case *bool:
			if *value {
				values[f.key] = "True"
			}
		case *int:
			if *value != 0 {
				values[f.key] = *value
			}
		case *[]string:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *Methods:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *Attestations:
			if *value != nil {
				values[f.key] = *value
			}
		case *BasePolicy:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *Credentials:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		case *map[string]string:
			if len(*value) != 0 {
				values[f.key] = *value
			}
		}
	}
	return values
}
