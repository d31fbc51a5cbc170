package pipeline

import (
	"errors"
	"io/fs"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/volume"
)

// interrupted is the cause of a build whose server ended under it.
const interrupted = "the server was stopped while this step ran: start the build again"

// tagsMayLead is added to the cause of a build that ended while its tags moved.
const tagsMayLead = "its tags may lead to its image already, which is signed and attested like that of a success, and whose manifest is not kept: " +
	"the next build that succeeds moves them"

// Recover says how the build that was running when the server ended has ended:
// as its folder says, when its end was already saved there, or else interrupted
// in the step behind the last one that was done. Then its folder says so from
// here on, and holds no manifest, which would say success.
func Recover(v *volume.Volume) func(record.Record) record.Record {
	return func(last record.Record) record.Record {
		if saved, ok := savedRecord(v, last.ID); ok {
			return saved
		}
		last.Status = api.FailureStatus(unfinished(last))
		last.Cause = interrupted
		if last.TagsMoving {
			last.Cause += "; " + tagsMayLead
		}
		if err := saveInterrupted(v, last); err != nil {
			last.Cause += "; " + volume.Unwritable(err).Error()
		}
		return last
	}
}

// saveInterrupted keeps the end of a build that has none. A record that is there
// is damaged, and stays for whoever can mend it.
func saveInterrupted(v *volume.Volume, last record.Record) error {
	folder, err := v.Builds().Open(last.ID)
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

// saveLatest keeps the end of the latest build in its folder, if that had no room
// for it when the build failed.
func (p *Pipeline) saveLatest() error {
	last := p.Slot.State().Record
	if !api.Failed(last.Status) {
		return nil
	}
	return saveInterrupted(p.Volume, last)
}

// Settle gives an end to each build that has none, when no build runs: one whose
// server ended before it had durably begun, or whose state was damaged.
func (p *Pipeline) Settle() error {
	unfinished, err := p.History.Unfinished()
	if err != nil {
		return err
	}
	var failed error
	for _, id := range unfinished {
		last := record.Record{ID: id, Status: api.FailureStatus("sbs-cli build"), Cause: interrupted}
		failed = errors.Join(failed, saveInterrupted(p.Volume, last))
	}
	return failed
}

func savedRecord(v *volume.Volume, id string) (saved record.Record, ok bool) {
	folder, err := v.Builds().Open(id)
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

// unfinished is the command line of the step that was not finished. It is told
// from the record alone, so it may be shorter than that of a failed step.
func unfinished(last record.Record) string {
	tag := last.Repository + ":" + last.ImageTag
	switch last.Status {
	case api.StatusCleanedUp:
		return commandLine("git", "clone", last.SourceURL())
	case api.StatusGitHubCloned:
		return commandLine("docker", "build", "-t", tag, ".")
	case api.StatusImageBuilt:
		return commandLine("docker", "push", tag)
	case api.StatusImagePushed, api.StatusSuccess:
		if last.TagsMoving {
			return commandLine("docker", "push", tag)
		}
		return manifestCommand(last.BuildName)
	}
	return cleanUpCommand(last.Repository)
}
