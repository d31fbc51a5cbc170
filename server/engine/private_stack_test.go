//go:build stack

package engine

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
)

func TestPrivateBase(t *testing.T) {
	dockerfiles := map[string]string{
		"by tag":      "FROM {base}\nRUN echo 1 > /1\n",
		"by digest":   "FROM {base}@{digest}\nRUN echo 1 > /1\n",
		"only copied": "FROM scratch\nCOPY --from={base} /bin/sh /\n",
	}
	each(t, func(t *testing.T, e *Engine) {
		for name, dockerfile := range dockerfiles {
			t.Run(name, func(t *testing.T) {
				host := registry(t, testPassword)
				right := api.RegistryAccount{Host: host, User: testUser, Password: testPassword}
				repo := repository(t, e, host)
				digest := onlyInRegistry(t, e, repo+":base", right)
				fill := strings.NewReplacer("{base}", repo+":base", "{digest}", digest)
				dir := tree(t, map[string]string{"Dockerfile": fill.Replace(dockerfile)})
				r := request(dir, repository(t, e, host)+":x")

				refused := map[string][]api.RegistryAccount{
					"wrong password":  {{Host: host, User: testUser, Password: "wrong"}},
					"no credentials":  nil,
					"of another host": {{Host: "other.example", User: testUser, Password: testPassword}},
				}
				for kind, registries := range refused {
					r.Accounts = registries
					if _, err := e.Build(t.Context(), r, io.Discard); !errors.Is(err, ErrUnauthorized) {
						t.Errorf("%s: error %v", kind, err)
					}
				}
				r.Accounts = []api.RegistryAccount{{Host: "other.example", User: "other", Password: "other"}, right}
				built, _ := mustBuild(t, e, r)
				want := []builder.BaseImage{{Reference: repo + ":base", Digest: digest}}
				if reports := name == "by digest" || name == "by tag" && e.builder == BuildKit; !reports {
					want[0].Digest = "" // nothing but the builder's own report counts
				}
				if !slices.Equal(built.Base, want) {
					t.Errorf("base images %v, want %v", built.Base, want)
				}
			})
		}
	})
}
