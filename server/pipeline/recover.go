package pipeline

import (
	"encoding/json"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
)

// interrupted is the cause of a build whose server ended under it.
const interrupted = "the server was stopped while this step ran: start the build again"

// Recover says how the build that was running when the server ended has ended:
// as its folder says, when its end was already saved there, or else interrupted
// in the step behind the last one that was done.
func Recover(v *volume.Volume) func(job.Record) job.Record {
	return func(last job.Record) job.Record {
		if saved, ok := savedRecord(v, last.ID); ok {
			return saved
		}
		last.Status = api.FailureStatus(unfinished(last))
		last.Cause = interrupted
		return last
	}
}

func savedRecord(v *volume.Volume, id string) (saved job.Record, ok bool) {
	folder, err := v.Build(id)
	if err != nil {
		return saved, false
	}
	content, err := folder.Record()
	if err != nil {
		return saved, false
	}
	return saved, json.Unmarshal(content, &saved) == nil
}

// unfinished is the command line of the step that was not finished. It is told
// from the record alone, so it may be shorter than that of a failed step.
func unfinished(last job.Record) string {
	tag := last.Repository + ":" + last.ImageTag
	switch last.Status {
	case api.StatusCleanedUp:
		url, _ := last.Parameters["GITHUB_URL"].(string)
		return commandLine("git", "clone", url)
	case api.StatusGitHubCloned:
		return commandLine("docker", "build", "-t", tag, ".")
	case api.StatusImageBuilt:
		return commandLine("docker", "push", tag)
	case api.StatusImagePushed, api.StatusSuccess:
		return manifestCommand(last.BuildName)
	}
	return cleanUpCommand(last.Repository)
}
