package baseimage

import (
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
)

// Each account is sent to its own registry, and the CAs of the notary server are trusted
// for nothing else.
func TestAccess(t *testing.T) {
	access := Access{
		Common: signature.Access{CABundle: []byte("operator")}, TrustCABundle: []byte("notary"),
		Accounts: []api.RegistryAccount{
			{Host: "push.example.com", User: "pusher", Password: "push-word"}, {Host: "docker.io", User: "puller", Password: "pull-word"},
		},
	}
	for repository, want := range map[string]api.RegistryAccount{
		"docker.io/library/alpine": {User: "puller", Password: "pull-word"},
		"Push.example.com/ns/app":  {User: "pusher", Password: "push-word"},
		"other.example.com/ns/app": {}, "docker.io.example.com/a": {},
	} {
		for method, bundle := range map[string]string{api.SigningSimple: "operator", api.SigningDCT: "notary"} {
			got := access.of(repository, api.BaseRule{Method: method})
			if got.User != want.User || got.Password != want.Password || string(got.CABundle) != bundle {
				t.Errorf("%s, %s: %+v", repository, method, got)
			}
		}
	}
}
