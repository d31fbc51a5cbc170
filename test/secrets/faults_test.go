//go:build stack

package secrets

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/kit"
)

// fault makes a build fail in a step. Its wrong values are secrets too: people enter
// the passwords of other systems by mistake.
type fault struct {
	step    string
	changes map[string]any
}

// faults returns a fault for each step of a build.
func faults(t testing.TB, env *environment, values map[string]any) []fault {
	t.Helper()
	key := newSSHKey(t)
	works := env.Git.SSHURL("works.git")
	return []fault{
		{"clone with a wrong key for this repository", map[string]any{"GITHUB_CREDENTIALS": []any{map[string]any{"url": works, "key": newSSHKey(t)}}}},
		{"clone with a wrong token for this repository", map[string]any{"GITHUB_KEY": nil, "GITHUB_URL": env.Git.HTTPSURL("works.git"), "GITHUB_CA": string(env.Git.CABundle()),
			"GITHUB_CREDENTIALS": []any{map[string]any{"url": env.Git.HTTPSURL(""), "token": plant(), "user": "developer"}}}},
		{"clone with a wrong bearer token", map[string]any{"GITHUB_KEY": nil, "GITHUB_URL": env.Git.HTTPSURL("works.git"), "GITHUB_CA": string(env.Git.CABundle()),
			"GITHUB_CREDENTIALS": []any{map[string]any{"url": env.Git.HTTPSURL(""), "token": plantedLine(), "auth": "bearer"}}}},
		{"clone with a wrong key", map[string]any{"GITHUB_KEY": key, "GITHUB_CREDENTIALS": nil}},
		{"clone with a wrong token", map[string]any{"GITHUB_KEY": nil, "GITHUB_USER": "developer", "GITHUB_TOKEN": values["GITHUB_TOKEN"],
			"GITHUB_URL": env.Git.HTTPSURL("works.git"), "GITHUB_CA": string(env.Git.CABundle())}},
		{"clone with a token in the URL", map[string]any{"GITHUB_KEY": nil, "GITHUB_CA": string(env.Git.CABundle()),
			"GITHUB_URL": strings.Replace(env.Git.HTTPSURL("works.git"), "https://", "https://developer:"+urlToken+"@", 1)}},
		{"base image", map[string]any{"DOCKER_BASE_PASSWORD": plantedLine()}},
		{"a step of the Dockerfile", map[string]any{"GITHUB_URL": env.Git.SSHURL("fails.git")}},
		{"push", map[string]any{"DOCKER_PASSWORD": values["DOCKER_PASSWORD"]}},
		{"signature", map[string]any{"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://127.0.0.1:1"}},
		{"upload with a wrong API key", map[string]any{"MANIFEST_COS_API_KEY_ID": values["MANIFEST_COS_API_KEY_ID"]}},
		{"upload with a wrong HMAC key", map[string]any{"MANIFEST_COS_API_KEY_ID": nil, "MANIFEST_COS_HMAC_ACCESS_KEY_ID": "id",
			"MANIFEST_COS_HMAC_SECRET_ACCESS_KEY": values["MANIFEST_COS_HMAC_SECRET_ACCESS_KEY"]}},
	}
}

// credentials returns a value of GITHUB_CREDENTIALS with a secret per host. The first
// gives access to the repository that is built.
func credentials(t testing.TB, env *environment) []any {
	t.Helper()
	return []any{
		map[string]any{"url": env.Git.SSHURL("works.git"), "key": env.Given["GITHUB_KEY"]},
		map[string]any{"url": "git@one.sbs.test:", "key": newSSHKey(t)},
		map[string]any{"url": "https://two.sbs.test", "token": plant(), "user": "developer"},
		map[string]any{"url": "https://three.sbs.test/owner", "token": plantedLine(), "auth": "bearer"},
	}
}

// badCredentials returns lists that the server refuses, by what is wrong with them.
// They contain the secrets of a valid list.
func badCredentials(good []any) map[string]any {
	bad := map[string]any{}
	for i, entry := range good {
		object := entry.(map[string]any)
		name := fmt.Sprintf(" in entry %d", i)
		bad["an unknown member"+name] = []any{kit.WithChanges(object, map[string]any{"password": object["token"], "pem": object["key"]})}
		bad["a member that is a list"+name] = []any{kit.WithChanges(object, map[string]any{"url": []any{object["token"], object["key"]}})}
		bad["key and token"+name] = []any{kit.WithChanges(object, map[string]any{"key": first(object["key"], object["token"]), "token": first(object["token"], object["key"])})}
		bad["a secret for a URL"+name] = []any{kit.WithChanges(object, map[string]any{"url": first(object["token"], object["key"])})}
		bad["a secret in the URL"+name] = []any{kit.WithChanges(object, map[string]any{"url": "https://x:" + url.QueryEscape(first(object["token"], object["key"]).(string)) + "@h.sbs.test"})}
		bad["a secret for a user"+name] = []any{kit.WithChanges(object, map[string]any{"user": first(object["token"], object["key"])})}
		bad["a secret for auth"+name] = []any{kit.WithChanges(object, map[string]any{"auth": first(object["token"], object["key"])})}
		bad["the entry for a text"+name] = []any{fmt.Sprint(object)}
	}
	return bad
}

// first returns the first value that is not nil.
func first(values ...any) any {
	return values[slices.IndexFunc(values, func(v any) bool { return v != nil })]
}
