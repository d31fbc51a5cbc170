package metrics

import (
	"context"
	"maps"
	"slices"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// Results of builds.
const (
	resultSuccess = "success"
	resultFailure = "failure"
)

// Slot reports the state of the running build and each change of it.
type Slot interface {
	Watch() (job.State, <-chan struct{})
}

// Follow counts the builds of slot that end, and returns when ctx ends. It compares
// snapshots of the slot, so that a build does not depend on metrics.
func (m *Metrics) Follow(ctx context.Context, slot Slot) {
	var last job.State
	for {
		state, changed := slot.Watch()
		m.observe(last, state)
		last = state
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// observe updates the metrics from a snapshot and the one before it.
func (m *Metrics) observe(before, now job.State) {
	if before.Running && (!now.Running || now.Record.ID != before.Record.ID) {
		m.ended(before, now)
	}
	running := 0.0
	if now.Running {
		running = 1
	}
	m.running.Set(running)
}

// ended counts the build that was running in the snapshot before. Its final record
// is not available when clean or another build followed at once.
func (m *Metrics) ended(before, now job.State) {
	record := now.Record
	if record.ID != before.Record.ID || record.Status == api.StatusRestarted {
		record = before.Record
	}
	result := resultFailure
	if record.Status == api.StatusSuccess {
		result = resultSuccess
	}
	m.builds.WithLabelValues(result).Inc()
	began := record.Started
	for _, step := range slices.SortedFunc(maps.Keys(record.Steps), func(a, b string) int { return record.Steps[a].Compare(record.Steps[b]) }) {
		m.steps.WithLabelValues(step).Observe(record.Steps[step].Sub(began).Seconds())
		began = record.Steps[step]
	}
}
