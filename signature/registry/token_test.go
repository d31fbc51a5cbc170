package registry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// TestTokens: an account of docker login that is an identity token (az acr login
// writes a user name with it, and no password) is exchanged at the token server,
// and a registry's token is sent as it is.
func TestTokens(t *testing.T) {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			if r.Method == http.MethodPost && r.FormValue("grant_type") == "refresh_token" && r.FormValue("refresh_token") == "identity" {
				fmt.Fprint(w, `{"access_token": "granted"}`)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Authorization") != "Bearer granted":
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/manifests/v1"):
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0a", 32))
			fmt.Fprint(w, `{"schemaVersion":2}`)
		}
	}))
	defer server.Close()
	name := strings.TrimPrefix(server.URL, "http://") + "/ns/app"
	for what, access := range map[string]signature.Access{
		"identity token, as az acr login writes it": {User: "00000000-0000-0000-0000-000000000000", IdentityToken: "identity"},
		"identity token, of a helper":               {IdentityToken: "identity"},
		"registry token":                            {RegistryToken: "granted"},
		"wrong identity token":                      {IdentityToken: "other"},
		"wrong registry token":                      {RegistryToken: "other"},
		"nothing":                                   {},
	} {
		err := resolve(t, name, access)
		if good := !strings.HasPrefix(what, "wrong") && what != "nothing"; (err == nil) != good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func resolve(t *testing.T, repository string, access signature.Access) error {
	t.Helper()
	r, err := registry.Open(t.Context(), repository, access, registry.Pull)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = r.Resolve(t.Context(), signature.Reference{Repository: repository, Tag: "v1"})
	return err
}
