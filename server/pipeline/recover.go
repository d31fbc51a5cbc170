package pipeline

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/volume"
)

// interrupted is the cause of a build whose server was stopped.
const interrupted = "the server was stopped while this step ran: start the build again"

// tagsMayLead is added to the cause of a build that ended while its tags moved.
const tagsMayLead = "its tags may lead to its image already, which is signed and attested like that of a success, and whose manifest is not kept: " +
	"the next build that succeeds moves them"

// Recover returns a function that decides how the build that was running when the
// server ended has ended. If its folder has a record of the end, that is it. Otherwise
// the build was interrupted in the step after the last one that was done; then its
// folder gets a record of that, and loses its manifest, which would claim success.
func Recover(builds Builds) func(record.Record) record.Record {
	return func(last record.Record) record.Record {
		if saved, ok := savedRecord(builds, last.ID); ok {
			return saved
		}
		last.Status = api.FailureStatus(interruptedCommand(last))
		last.Cause = interrupted
		if last.TagsMoving {
			last.Cause += "; " + tagsMayLead
		}
		if err := saveInterrupted(builds, last); err != nil {
			last.Cause += "; " + volume.Unwritable(err).Error()
		}
		return last
	}
}

// interruptedCommand returns the command line of the step after the last one that was
// done, or of the push if tags were moving.
func interruptedCommand(last record.Record) string {
	if last.TagsMoving {
		return pushCommand(invocationOf(last))
	}
	done := slices.IndexFunc(steps, func(s step) bool { return s.status == last.Status })
	next := min(done+1, len(steps)-1)
	return steps[next].command(invocationOf(last))
}

// saveInterrupted saves the end of a build that has none. It does not replace a record:
// a damaged one may still be repaired by the operator.
func saveInterrupted(builds Builds, last record.Record) error {
	folder, err := builds.Open(last.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := folder.Record(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := folder.RemoveManifest(); err != nil {
		return err
	}
	content, err := record.Encode(last)
	if err != nil {
		return err
	}
	return folder.SaveRecord(content)
}

// saveLatest saves the end of the latest build in its folder, if there was no space for
// it when the build failed.
func (p *Pipeline) saveLatest() error {
	last := p.Slot.State().Record
	if !api.Failed(last.Status) {
		return nil
	}
	return saveInterrupted(p.Builds, last)
}

// ReconcileInterrupted saves an end for each build that has none. It is called when no
// build runs. Such builds are those whose server ended before they had durably begun,
// or whose state was damaged.
func (p *Pipeline) ReconcileInterrupted() error {
	unfinished, err := p.History.Unfinished()
	if err != nil {
		return err
	}
	var failed error
	for _, id := range unfinished {
		last := record.Record{ID: id, Status: api.FailureStatus("sbs-cli build"), Cause: interrupted}
		failed = errors.Join(failed, saveInterrupted(p.Builds, last))
	}
	return failed
}

func savedRecord(builds Builds, id string) (saved record.Record, ok bool) {
	folder, err := builds.Open(id)
	if err != nil {
		return saved, false
	}
	content, err := folder.Record()
	if err != nil {
		return saved, false
	}
	saved, err = record.Decode(content)
	return saved, err == nil
}
