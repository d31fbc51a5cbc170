//go:build stack

package repositories

import (
	"testing"

	"github.com/opensbs/sbs/test/kit"
)

// clean ends a step that ignores all signals, and the processes that it started.
func TestEndlessStep(t *testing.T) {
	env := shared
	env.repository(t, "endless").add(files{"Dockerfile": text("FROM " + env.BaseImage + "\n" +
		"RUN trap '' TERM INT HUP QUIT; (setsid sh -c 'trap \"\" TERM; sleep 86392.5; sleep 86392.5' &); while :; do sleep 86393.5; done\n")})
	env.Initialise(t, "endless", nil)
	env.StartBuild(t)
	kit.Eventually(t, "the step runs", func() bool { return kit.ProcessRuns(t, "sleep\x0086392.5") && kit.ProcessRuns(t, "sleep\x0086393.5") })
	env.Clean(t)
	env.NothingLeft(t, env.ImageOf("endless"))
	if kit.ProcessRuns(t, "sleep\x008639") {
		t.Error("something of the step still runs")
	}
}
