//go:build stack

package repositories

import (
	"context"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/kit"
)

// await waits for a condition that another process brings about.
func (env *environment) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until it is %s", what)
		}
	}
}

// A step that does not want to end, whatever it is asked: clean ends it, and all
// that it started.
func TestEndlessStep(t *testing.T) {
	env := shared
	env.repository(t, "endless").add(files{"Dockerfile": text("FROM " + env.BaseImage + "\n" +
		"RUN trap '' TERM INT HUP QUIT; (setsid sh -c 'trap \"\" TERM; sleep 86392.5; sleep 86392.5' &); while :; do sleep 86393.5; done\n")})
	env.initialise(t, "endless", nil)
	env.begin(t)
	env.await(t, "running", func() bool { return kit.Runs(t, "sleep\x0086392.5") && kit.Runs(t, "sleep\x0086393.5") })
	if _, err := env.client.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	env.nothingLeft(t, "endless")
	if kit.Runs(t, "sleep\x008639") {
		t.Error("something of the step still runs")
	}
}
