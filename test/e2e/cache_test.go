//go:build stack

package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/docker/docker/api/types"
	"github.com/opensbs/sbs/test/kit"
)

// The engine's build cache is cleared while the image is pushed. It has no records
// of the build after that, whether the build succeeds or is stopped.
func TestBuildCacheIsCleared(t *testing.T) {
	env := shared
	for _, end := range []string{"success", "stopped while it is pushed"} {
		t.Run(end, func(t *testing.T) {
			// The size distinguishes this build's records from others.
			size := int64(1e6 + rand.IntN(1e6))
			name := "cache-" + strings.ReplaceAll(end, " ", "-")
			env.prepare(t, name, files{"Dockerfile": "FROM scratch\nCOPY large /\n", "large": strings.Repeat("x", int(size))}, nil)
			if end == "success" {
				env.MustBuild(t)
			} else {
				reached := kit.HoldAtGate(t, env.Gates.Registry, "/v2/sbs/"+name+"/")
				env.StartBuild(t)
				reached()
				env.Clean(t)
				env.Gates.ReleaseAll()
			}
			usage, err := env.Docker.DiskUsage(t.Context(), types.DiskUsageOptions{Types: []types.DiskUsageObject{types.BuildCacheObject}})
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range usage.BuildCache {
				if record.Size >= size && record.Size < size+1000 {
					t.Errorf("%s %q of %d bytes is left", record.Type, record.Description, record.Size)
				}
			}
		})
	}
}
