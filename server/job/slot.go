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

// Store keeps the state of a slot across crashes. volume.Job implements it.
type Store interface {
	Save(state []byte) error
	Load() ([]byte, error) // wraps fs.ErrNotExist when nothing was saved
}

// State is a snapshot of a slot.
type State struct {
	Record  Record `json:"record"`  // of the running or latest build
	Running bool   `json:"running"` // a build runs
}

// ErrBusy means that a build is running.
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

// Open restores the slot from its store. For a build that was running when the server
// ended, interrupted returns its final record from the last saved one. Neither a
// damaged state nor a store that can't be written keeps the server from starting: the
// cause in the record reports it, and finished builds are not in this store.
func Open(store Store, interrupted func(Record) Record) (*Slot, error) {
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
		s.finish(Record{Status: api.StatusRestarted, Cause: "it is not known how the latest build ended, because job.json of the data volume was damaged: look it up in the list of builds, and build again (" + err.Error() + ")"})
		return s, nil
	}
	if !restored.Running {
		s.state = restored
		return s, nil
	}
	s.finish(interrupted(restored.Record.Clone()))
	return s, nil
}

// finish makes last the state of a free slot. When it can't be saved, the store has
// the state before it, from which the next start derives the same end. The record
// shown now has the actual end.
func (s *Slot) finish(last Record) {
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

// Build is the handle of the running build on its slot.
type Build struct{ slot *Slot }

// Begin calls run in a new goroutine, with a context that Stop cancels; the build
// continues after the request that started it. Begin returns when the start is
// durable, or with ErrBusy. run returns the final record.
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

// end makes the slot free. When the end can't be saved, the saved state is still
// running, and the next start reads the end from the build's own record, or reports
// the build as interrupted: less than happened, never more.
func (s *Slot) end(last Record, ended chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(last)
	s.cancel, s.ended = nil, nil
	close(ended)
}

func join(first, second string) string {
	if first == "" {
		return second
	}
	return first + "; " + second
}

// Advance changes the record: durably first, visibly second. Only the running build
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

// Record returns the current record.
func (b *Build) Record() Record {
	return b.slot.State().Record
}

// Touch notifies watchers of a change outside the record: of new lines in the log.
func (b *Build) Touch() {
	b.slot.mu.Lock()
	defer b.slot.mu.Unlock()
	b.slot.wake()
}

// Stop cancels the running build, if there is one, with that cause, and returns when
// the build or ctx has ended.
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

// Restarted records that clean made the slot free. It keeps the id of the latest
// build, so that its log is still found.
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
