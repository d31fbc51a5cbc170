package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/progress"
)

// builtWith runs one build with limits in the time of the bubble, and returns its
// last record and how long it took.
func (f *fixture) builtWith(progressLimit, buildLimit string) (record.Record, time.Duration) {
	f.t.Helper()
	parameters := loopParameters()
	parameters.ProgressLimit, parameters.BuildLimit = progressLimit, buildLimit
	started := time.Now()
	if err := f.pipeline.Begin(parameters); err != nil {
		f.t.Fatal(err)
	}
	for {
		state, changed := f.slot.Watch()
		if !state.Running {
			return state.Record, time.Since(started)
		}
		select {
		case <-changed:
		case <-time.After(24 * time.Hour):
			f.t.Fatal("the build did not end")
		}
	}
}

// A builder or engine that is silent ends the build with an error that names it; the
// slot is free within seconds, although the engine never replies again.
func TestSilenceEndsTheBuild(t *testing.T) {
	for operation, test := range map[string]struct{ peer, command string }{
		"connect":           {peerBuilder, "docker version"},
		"remove leftovers":  {peerBuilder, "docker image rm"},
		"build":             {peerBuilder, "docker build"},
		"push":              {"the registry r.example.com", "docker push"},
		"sign":              {"the registry r.example.com", "cosign sign"},
		"attach provenance": {"the registry r.example.com", "cosign attest"},
	} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				silent := false
				f.during = func(ctx context.Context, at string) error {
					f.mu.Lock()
					silent = silent || at == operation
					now := silent && at != "close"
					f.mu.Unlock()
					if now {
						<-ctx.Done()
						return errors.New("the connection broke")
					}
					return nil
				}
				last, took := f.builtWith("2m", "")
				want := (&progress.Stalled{Peer: test.peer, Timeout: 2 * time.Minute}).Error()
				if !strings.Contains(last.Status, test.command) || last.Cause != want {
					t.Errorf("ended as %q: %s", last.Status, last.Cause)
				}
				if took < 2*time.Minute || took > 2*time.Minute+2*cleanupTime {
					t.Errorf("the slot was free after %v", took)
				}
				f.checkNothingLeft()
			})
		})
	}
}

// A build that makes progress is not ended, however long it takes.
func TestProgressKeepsTheBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.during = func(ctx context.Context, at string) error {
			for i := 0; at == "build" && i < 10; i++ {
				time.Sleep(time.Minute)
				progress.Report(ctx)
			}
			return ctx.Err()
		}
		if last, took := f.builtWith("90s", "20m"); last.Status != api.StatusSuccess || took < 10*time.Minute {
			t.Errorf("ended as %q after %v: %s", last.Status, took, last.Cause)
		}
	})
}

// BUILD_TIMEOUT ends a build in any step, with an error that names it.
func TestBuildTimeout(t *testing.T) {
	for _, operation := range []string{"clone", "build", "push", "scan", "sign", "tag"} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.during = func(ctx context.Context, at string) error {
					if at == operation {
						<-ctx.Done()
						return errors.New("the connection broke")
					}
					return nil
				}
				last, took := f.builtWith("0", "1h")
				if !api.Failed(last.Status) || !strings.Contains(last.Cause, "BUILD_TIMEOUT, 1h0m0s") {
					t.Errorf("ended as %q: %s", last.Status, last.Cause)
				}
				if took < time.Hour || took > time.Hour+2*cleanupTime {
					t.Errorf("ended after %v", took)
				}
				f.checkNothingLeft()
			})
		})
	}
}
