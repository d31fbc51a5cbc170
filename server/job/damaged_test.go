package job

import (
	"errors"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// TestDamagedJob checks that the server starts, and reports what it can't know.
func TestDamagedJob(t *testing.T) {
	for _, damaged := range []string{"", "{", `{"record":7}`} {
		store := &memory{saved: []byte(damaged)}
		s := open(t, store)
		if state := s.State(); state.Running || state.Record.ID != "" || state.Record.Status != api.StatusRestarted || !strings.Contains(state.Record.Cause, "job.json") {
			t.Errorf("%q: got %+v", damaged, state)
		}
		if again := open(t, store).State(); !strings.Contains(again.Record.Cause, "job.json") {
			t.Errorf("after one more start: %+v", again)
		}
	}
}

// TestInterruptedOnAFullDisk checks that what can't be saved is still shown, and
// that the next start comes to the same end.
func TestInterruptedOnAFullDisk(t *testing.T) {
	full := errors.New("disk full")
	store := &memory{saved: []byte(`{"record":{"id":"1","status":"github cloned"},"running":true}`), fail: full}
	for range 2 {
		state := open(t, store).State()
		if state.Running || state.Record.Status != api.FailureStatus("interrupted after github cloned") || !strings.Contains(state.Record.Cause, full.Error()) {
			t.Errorf("got %+v", state)
		}
	}
	store.failWith(nil)
	if state := open(t, store).State(); state.Record.Cause != "" || !api.Failed(state.Record.Status) {
		t.Errorf("repaired: %+v", state)
	}
}
