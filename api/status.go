package api

import "fmt"

// The statuses of a build. Each names the last step that is done.
const (
	StatusCleanedUp    = "cleaned up"
	StatusGitHubCloned = "github cloned"
	StatusImageBuilt   = "image built"
	StatusImagePushed  = "image pushed"
	StatusSuccess      = "success"
)

// Statuses outside of a build.
const (
	// StatusRestarted is the status after clean: the server is free again.
	StatusRestarted = "restarted cicd"

	// StatusOK is the reply to init and update. The stock client stores a new secret
	// only on exactly this text.
	StatusOK = "OK"

	// StatusStarted is the reply to build.
	StatusStarted = "OK: async build started"
)

// failurePrefix begins the status of every failed build.
const failurePrefix = "exiting due to a non-zero return value: "

// FailureStatus is the status of a build that failed while command ran.
// command is the failed step as a person would have typed it, with every
// secret replaced by its name in angle brackets.
func FailureStatus(command string) string {
	return fmt.Sprintf("%s1, cmd: %s", failurePrefix, command)
}

// Failed reports whether status is that of a failed build.
func Failed(status string) bool {
	return len(status) >= len(failurePrefix) && status[:len(failurePrefix)] == failurePrefix
}
