package dockerd

// What the engine prints becomes lines of the server's own log.

import (
	"bytes"
	"log/slog"
)

// maxLine bounds what is kept of one line, in bytes.
const maxLine = 4096

// output logs each line that is written to it.
type output struct {
	logger *slog.Logger
	line   []byte
}

func newOutput(logger *slog.Logger) *output { return &output{logger: logger} }

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
			o.logger.Info("dockerd", "line", string(o.line))
		}
		o.line, p = o.line[:0], rest
	}
}
