//go:build stack

package engine

import (
	"slices"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
)

// Images by digest, in FROM and in COPY --from, are taken from the registry by
// both builders, and it is those that are taken: the tag leads elsewhere.
func TestImagesByDigest(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		host := registry(t, "")
		repo, result := repository(t, e, host), repository(t, e, "127.0.0.1:1")
		var digests []string
		for _, text := range []string{"one", "two", "three"} {
			mustBuild(t, e, request(tree(t, map[string]string{"text": text, "Dockerfile": "FROM scratch\nCOPY text /\n"}), repo+":x"))
			digests = append(digests, inRegistry(t, e, repo+":x", api.RegistryAccount{}))
		}
		if err := e.RemoveTagged(t.Context(), repo); err != nil {
			t.Fatal(err)
		}
		dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + "@" + digests[0] + "\nCOPY --from=" + repo + "@" + digests[1] + " /text /copied\n"})
		built, _ := mustBuild(t, e, request(dir, result+":x"))
		wantFiles(t, files(t, e, result+":x"), map[string]string{"text": "one", "copied": "two"})
		slices.Sort(digests[:2])
		if want := []builder.BaseImage{{Reference: repo, Digest: digests[0]}, {Reference: repo, Digest: digests[1]}}; !slices.Equal(built.Base, want) {
			t.Errorf("base images %+v, want %+v", built.Base, want)
		}
	})
}
