package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/opensbs/sbs/api"
)

// Store keeps the state of a slot over crashes.
type Store interface {
	Save(state []byte) error
	Load() ([]byte, error) // wraps fs.ErrNotExist when nothing was saved
}

// State is a snapshot of a slot.
type State struct {
	Record  Record `json:"record"`  // of the running or latest build
	Running bool   `json:"running"` // a build runs
}

// ErrBusy means that a build runs already.
var ErrBusy = errors.New("a build runs: wait for its end, or stop it with clean")

// Slot holds at most one running build.
type Slot struct {
	store Store

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed and replaced at every change
	cancel  context.CancelCauseFunc
	ended   chan struct{} // closed when the running build has ended; nil when none runs
}

// Open restores the slot from its store. For a build that was running when the
// server ended, recover says from its last saved record how it ended. Neither a
// damaged state nor a store that can't be written keeps the server from starting:
// the record's cause says so, and finished builds are not in this store.
func Open(store Store, recover func(Record) Record) (*Slot, error) {
	s := &Slot{store: store, changed: make(chan struct{})}
	saved, err := store.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("restore job: %w", err)
	}
	var restored State
	if err := json.Unmarshal(saved, &restored); err != nil {
		s.settle(Record{Status: api.StatusRestarted, Cause: "it is not known how the latest build ended, because job.json of the data volume was damaged: look it up in the list of builds, and build again (" + err.Error() + ")"})
		return s, nil
	}
	if !restored.Running {
		s.state = restored
		return s, nil
	}
	s.settle(recover(restored.Record.Clone()))
	return s, nil
}

// settle makes last the state of a free slot. When it can't be saved, what is
// saved is what was before, and the next start comes to the same end. The record
// shown now is the true one.
func (s *Slot) settle(last Record) {
	if err := s.setLocked(State{Record: last}); err != nil {
		last = last.Clone()
		last.Cause = join(last.Cause, "and this could not be saved: "+err.Error())
		s.show(State{Record: last})
	}
}

// State returns the current snapshot.
func (s *Slot) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Watch returns the current snapshot and a channel that is closed at the next
// change of it.
func (s *Slot) Watch() (State, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.changed
}

// Build is the running build's own handle on its slot.
type Build struct{ slot *Slot }

// Begin starts run in a goroutine of its own, with a context that ends when Stop
// is called: a build outlives the request that asked for it. Begin returns once
// the build is durably begun, or with ErrBusy. run returns the build's last
// record.
func (s *Slot) Begin(record Record, run func(context.Context, *Build) Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return ErrBusy
	}
	if err := s.setLocked(State{Record: record, Running: true}); err != nil {
		return fmt.Errorf("begin build: %w", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan struct{})
	s.cancel, s.ended = cancel, ended
	go func() {
		defer cancel(nil)
		last := run(ctx, &Build{s})
		s.end(last, ended)
	}()
	return nil
}

// end makes the slot free. When the end can't be saved, what is saved still says
// "running", and the next start takes it from the build's own record, or reports
// the build as interrupted: less than happened, never more.
func (s *Slot) end(last Record, ended chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(last)
	s.cancel, s.ended = nil, nil
	close(ended)
}

func join(first, second string) string {
	if first == "" {
		return second
	}
	return first + "; " + second
}

// Advance changes the record: durably, then visibly. Only the running build
// calls it.
func (b *Build) Advance(change func(*Record)) (Record, error) {
	s := b.slot
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.state.Record.Clone()
	change(&record)
	if err := s.setLocked(State{Record: record, Running: true}); err != nil {
		return s.state.Record, fmt.Errorf("save state of build: %w", err)
	}
	return record, nil
}

// Record is the build's current record.
func (b *Build) Record() Record {
	return b.slot.State().Record
}

// Touch tells watchers that something beside the record has changed: the log.
func (b *Build) Touch() {
	b.slot.mu.Lock()
	defer b.slot.mu.Unlock()
	b.slot.wake()
}

// Stop ends the running build, if there is one, for the reason that cause says,
// and returns when it has ended or ctx does.
func (s *Slot) Stop(ctx context.Context, cause error) error {
	s.mu.Lock()
	cancel, ended := s.cancel, s.ended
	s.mu.Unlock()
	if ended == nil {
		return nil
	}
	cancel(cause)
	return wait(ctx, ended)
}

func wait(ctx context.Context, ended <-chan struct{}) error {
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the build to end: %w", context.Cause(ctx))
	}
}

// Restarted records that clean made the slot free. It keeps what the latest
// build was called, so that its log is still found.
func (s *Slot) Restarted() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return ErrBusy
	}
	return s.setLocked(State{Record: Record{
		ID:            s.state.Record.ID,
		Status:        api.StatusRestarted,
		BuildImageTag: s.state.Record.BuildImageTag,
		Enclave:       s.state.Record.Enclave,
	}})
}

func (s *Slot) setLocked(state State) error {
	saved, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := s.store.Save(saved); err != nil {
		return err
	}
	s.show(state)
	return nil
}

func (s *Slot) show(state State) {
	s.state = state
	s.wake()
}

func (s *Slot) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
