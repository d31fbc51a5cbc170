package pipeline

import (
	"context"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/sbom"
)

// Gaps in the SBOM fail a build only if SBOM_INCOMPLETE is "fail".
func TestIncompleteSBOM(t *testing.T) {
	for setting, fails := range map[string]bool{"": false, "allow": false, "fail": true} {
		for name, found := range map[string]sbom.Inventory{
			"unread":    {Unread: []sbom.Unread{{Path: "/app/broken.jar", Reason: "broken"}}, UnreadLeftOut: 4},
			"left out":  {PackagesLeftOut: 7},
			"all there": {Packages: []sbom.Package{{Name: "one"}}},
		} {
			f := newFixture(t)
			f.pipeline.Scan = func(context.Context, string, string) (sbom.Inventory, error) { return found, nil }
			parameters := loopParameters()
			parameters.SBOMIncomplete = setting
			if err := f.pipeline.Begin(parameters); err != nil {
				t.Fatal(err)
			}
			last := f.wait()
			if failed := api.Failed(last.Status); failed != (fails && !found.Complete()) {
				t.Errorf("%q, %s: ended as %q: %s", setting, name, last.Status, last.Cause)
			} else if failed && (!strings.Contains(last.Status, "docker sbom") || !strings.Contains(last.Cause, "SBOM_INCOMPLETE")) {
				t.Errorf("%q, %s: ended as %q: %s", setting, name, last.Status, last.Cause)
			}
		}
	}
}
