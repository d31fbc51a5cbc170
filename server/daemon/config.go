package daemon

import (
	"context"
	"log/slog"
	"os/exec"
)

// Config describes a daemon and what belongs to it alone.
type Config struct {
	// Name is the name of the daemon in messages, as "Docker Engine".
	Name string
	// Data is the absolute path of an existing folder. Each start makes a new folder
	// in it and removes everything else in it.
	Data string
	// NewData gives a daemon that is restarted a new folder, too. Otherwise it keeps
	// the one that it had.
	NewData bool
	// Group is the name of a cgroup below the root, as "sbs-builds", which belongs
	// to the commands of this daemon's builds alone: whatever runs in it when the
	// daemon starts was left by one that was killed, and is killed too.
	Group string
	// Command returns the command that runs the daemon on data, a folder in Data.
	// It is called before each start, when nothing of an earlier daemon runs any
	// more. What the daemon prints is logged.
	Command func(ctx context.Context, data string) (*exec.Cmd, error)
	// Ready sends the daemon a request, and returns nil when it is ready to build.
	// An error is retried for a minute, unless it is joined with [ErrUnusable].
	Ready func(ctx context.Context) error
	// Cleanup removes what the daemon leaves outside of its folder and its cgroup.
	// It is called after each end and before each start; may be nil.
	Cleanup func(ctx context.Context) error
	// Logger gets what the daemon prints, line by line.
	Logger *slog.Logger
}
