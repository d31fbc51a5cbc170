package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
)

// TestNoRequestShowsAPassword formats what the engine, the registry and the signers
// get: none of it shows a password, whatever the verb.
func TestNoRequestShowsAPassword(t *testing.T) {
	parameters := api.Parameters{
		PushServer: "push.example.com", DockerUser: "pusher", DockerPassword: "push-word",
		BaseUser: "puller", BasePassword: "pull-word", DockerRepo: "ns/app",
	}
	b := &build{Pipeline: &Pipeline{}, parameters: parameters, accounts: parameters.PullAccounts(), pushTo: parameters.PushAccount()}
	for name, request := range map[string]any{
		"signing.Request":  b.signRequest(t.Context(), api.SigningSigstore),
		"signature.Access": b.signRequest(t.Context(), api.SigningSigstore).Access(),
		"push.Target":      b.target(t.Context()),
		"base image":       b.baseAccess(t.Context()),
		"builder.Request":  builder.Request{Accounts: b.accounts},
	} {
		users := false
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			text := fmt.Sprintf(verb, request)
			if strings.Contains(text, "-word") {
				t.Errorf("%s formatted with %s: %s", name, verb, text)
			}
			users = users || strings.Contains(text, "pusher") || strings.Contains(text, "puller")
		}
		if !users {
			t.Errorf("%s has no account", name)
		}
	}
}
