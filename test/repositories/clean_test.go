//go:build stack

package repositories

import (
	"context"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/suite"
)

// await waits for a condition that another process brings about.
func (l *lab) await(t *testing.T, what string, holds func() bool) {
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
	l := shared
	l.repository(t, "endless").add(files{"Dockerfile": text("FROM " + l.BaseImage + "\n" +
		"RUN trap '' TERM INT HUP QUIT; (setsid sh -c 'trap \"\" TERM; sleep 86392.5; sleep 86392.5' &); while :; do sleep 86393.5; done\n")})
	l.initialise(t, "endless", nil)
	l.begin(t)
	l.await(t, "running", func() bool { return suite.Runs(t, "sleep\x0086392.5") && suite.Runs(t, "sleep\x0086393.5") })
	if _, err := l.client.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.nothingLeft(t, "endless")
	if suite.Runs(t, "sleep\x008639") {
		t.Error("something of the step still runs")
	}
}
