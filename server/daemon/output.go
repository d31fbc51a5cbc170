package daemon

// What a daemon prints becomes lines of the server's own log.

import (
	"bytes"
	"log/slog"
)

// maxLine bounds what is kept of one line, in bytes.
const maxLine = 4096

// output logs each line that is written to it.
type output struct {
	logger *slog.Logger
	name   string // of the daemon
	line   []byte
}

func newOutput(logger *slog.Logger, name string) *output { return &output{logger: logger, name: name} }

// Write never fails. What os/exec writes comes from one goroutine.
func (o *output) Write(p []byte) (int, error) {
	written := len(p)
	for {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		o.line = append(o.line, line[:min(len(line), maxLine-len(o.line))]...)
		if !whole {
			return written, nil
		}
		if len(o.line) > 0 {
			o.logger.Info(o.name, "line", string(o.line))
		}
		o.line, p = o.line[:0], rest
	}
}
