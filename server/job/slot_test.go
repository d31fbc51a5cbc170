package job

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"

	"github.com/opensbs/sbs/api"
)

// memory is a store that fails on request.
type memory struct {
	mu    sync.Mutex
	saved []byte
	fail  error
}

func (m *memory) Save(state []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.saved = state
	return nil
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saved == nil {
		return nil, fs.ErrNotExist
	}
	return m.saved, nil
}

func (m *memory) failWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func interrupted(r Record) Record {
	r.Status = api.FailureStatus("interrupted after " + r.Status)
	return r
}

func open(t *testing.T, store Store) *Slot {
	t.Helper()
	s, err := Open(store, interrupted)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// waitFor returns when the slot's state is as wanted.
func waitFor(t *testing.T, s *Slot, wanted func(State) bool) State {
	t.Helper()
	for {
		state, changed := s.Watch()
		if wanted(state) {
			return state
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("the state stayed at %+v", state)
		}
	}
}

func TestOneBuildAtATime(t *testing.T) {
	s := open(t, &memory{})
	release := make(chan struct{})
	run := func(_ context.Context, b *Build) Record {
		<-release
		return b.Record()
	}
	if err := s.Begin(Record{ID: "1"}, run); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(Record{ID: "2"}, run); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if err := s.Restarted(); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if state := s.State(); state.Record.ID != "1" || !state.Running {
		t.Errorf("got %+v", state)
	}
	close(release)
	waitFor(t, s, func(state State) bool { return !state.Running })
	if err := s.Begin(Record{ID: "3"}, run); err != nil {
		t.Error(err)
	}
}

func TestStopGivesTheCauseAndWaits(t *testing.T) {
	s := open(t, &memory{})
	why := errors.New("stopped by hand")
	err := s.Begin(Record{}, func(ctx context.Context, b *Build) Record {
		<-ctx.Done()
		r := b.Record()
		r.Cause = context.Cause(ctx).Error()
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), why); err != nil {
		t.Fatal(err)
	}
	if state := s.State(); state.Running || state.Record.Cause != why.Error() {
		t.Errorf("got %+v", state)
	}
	if err := s.Stop(t.Context(), why); err != nil {
		t.Errorf("stopping a free slot: %v", err)
	}
}

func TestStopObeysItsContext(t *testing.T) {
	s := open(t, &memory{})
	release := make(chan struct{})
	if err := s.Begin(Record{}, func(context.Context, *Build) Record { <-release; return Record{} }); err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(impatient, errors.New("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(release)
	if err := s.Stop(t.Context(), errors.New("x")); err != nil {
		t.Error(err)
	}
}

// TestDurableBeforeVisible pins the order: what can't be saved is not shown.
func TestDurableBeforeVisible(t *testing.T) {
	store := &memory{}
	s := open(t, store)
	full := errors.New("disk full")
	done := make(chan error)
	err := s.Begin(Record{Status: "before"}, func(_ context.Context, b *Build) Record {
		store.failWith(full)
		_, err := b.Advance(func(r *Record) { r.Status = "after" })
		done <- err
		<-done
		return b.Record()
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, full) {
		t.Errorf("got %v, want the store's error", err)
	}
	if status := s.State().Record.Status; status != "before" {
		t.Errorf("the status is %q", status)
	}
	close(done)
	state := waitFor(t, s, func(state State) bool { return !state.Running })
	if state.Record.Cause == "" {
		t.Error("an end that was not saved is not said")
	}
	if err := s.Begin(Record{}, func(context.Context, *Build) Record { return Record{} }); !errors.Is(err, full) {
		t.Errorf("began without a store: %v", err)
	}
	store.failWith(nil)
	if err := s.Begin(Record{}, func(context.Context, *Build) Record { return Record{} }); err != nil {
		t.Errorf("repaired store: %v", err)
	}
}

func TestCrashIsAState(t *testing.T) {
	store := &memory{}
	s := open(t, store)
	hold := make(chan struct{})
	defer close(hold)
	err := s.Begin(Record{ID: "1", Steps: nil}, func(_ context.Context, b *Build) Record {
		if _, err := b.Advance(func(r *Record) { r.Status = api.StatusGitHubCloned }); err != nil {
			t.Error(err)
		}
		<-hold
		return b.Record()
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, func(state State) bool { return state.Record.Status == api.StatusGitHubCloned })

	next := open(t, store) // as if the process had been killed
	state := next.State()
	if state.Running || state.Record.Status != api.FailureStatus("interrupted after github cloned") {
		t.Errorf("got %+v", state)
	}
	if again := open(t, store).State(); again.Record.Status != state.Record.Status {
		t.Errorf("after one more start: %+v", again)
	}
}

func TestSnapshotsDoNotChange(t *testing.T) {
	s := open(t, &memory{})
	advanced := make(chan struct{})
	err := s.Begin(Record{Tools: map[string]string{"a": "1"}, BaseImages: []BaseImage{{Reference: "x"}}}, func(_ context.Context, b *Build) Record {
		<-advanced
		r, err := b.Advance(func(r *Record) {
			r.Tools["a"] = "2"
			r.BaseImages[0].Reference = "y"
		})
		if err != nil {
			t.Error(err)
		}
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.State()
	close(advanced)
	waitFor(t, s, func(state State) bool { return !state.Running })
	if before.Record.Tools["a"] != "1" || before.Record.BaseImages[0].Reference != "x" {
		t.Errorf("a snapshot has changed: %+v", before.Record)
	}
}
