package buildlog

import (
	"bytes"
	"strings"
)

// Output is a writer for the output of tools. Each line that is written to it becomes
// one line of the log, or several if a terminal would overwrite one with another,
// with "run: " before each. It is not safe for concurrent use.
type Output struct {
	log      *Log
	terminal terminal
	pending  []byte // the line as a terminal would show it, with overwrite between its states
	bare     []byte // the line without its control characters, which may contain a secret as well
	prefix   string // of the line: BuildKit's step and time
	skip     bool   // the rest of the line is dropped: it is too long
	clipped  bool   // the builder dropped output of a step
}

// clippedMark is part of the line that BuildKit writes in place of output that it
// drops (util/progress/logs).
const clippedMark = "[output clipped, log limit "

// Output returns a writer for the output of the tools of one step. Its Close writes a
// last line without a newline; it does not close the log.
func (l *Log) Output() *Output { return &Output{log: l} }

// Write never fails: an error of writing the log is returned by Close of the log.
func (o *Output) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		p = rest
		o.add(line)
		if whole {
			o.endLine()
		}
	}
	return written, nil
}

// Close writes a last line that has no newline, and a warning if the builder dropped
// output.
func (o *Output) Close() error {
	o.endLine()
	if o.clipped {
		o.log.Warning("the builder dropped output of its steps (%s...): the limits are BUILDKIT_STEP_LOG_MAX_SIZE and BUILDKIT_STEP_LOG_MAX_SPEED of the Docker Engine", clippedMark)
	}
	return nil
}

// add appends a piece to the pending line, and writes the beginning of a line that
// gets too long.
func (o *Output) add(piece []byte) {
	const chunk = 32 << 10
	for len(piece) > 0 && !o.skip {
		next := piece[:min(chunk, len(piece))]
		piece = piece[len(next):]
		o.pending = append(o.pending, o.terminal.feed(next)...)
		o.bare = append(o.bare, withoutOverwrite(visible(nil, next))...)
		o.shorten()
	}
}

func (o *Output) endLine() {
	if !o.skip {
		o.pending = append(o.pending, o.terminal.flush()...)
		o.write(o.pending)
	}
	o.terminal, o.skip, o.prefix = terminal{}, false, ""
	o.pending, o.bare = o.pending[:0], o.bare[:0]
}

// shorten bounds the pending line. It keeps at least as many bytes as the longest
// secret has, so that no part of a secret remains at the cut. A line with overwritten
// states and without a secret is cut after one of them; of others the rest is dropped.
func (o *Output) shorten() {
	longest := o.log.redact.longest
	if len(o.bare) <= 2*maxLine+longest && len(o.pending) <= 2*maxLine+longest {
		return
	}
	cut := bytes.LastIndexByte(o.pending[:max(0, len(o.pending)-2*longest)], overwrite)
	if o.hasSecret() || cut < 0 && len(withoutOverwrite(o.pending)) > maxLine+longest {
		o.write(o.pending)
		o.skip = true
		return
	}
	if cut >= 0 {
		o.write(o.pending[:cut])
		o.pending = append(o.pending[:0], o.pending[cut+1:]...)
	}
	o.bare = append(o.bare[:0], o.bare[max(0, len(o.bare)-longest):]...)
}

// hasSecret reports whether the pending line contains a secret, with or without its
// control characters.
func (o *Output) hasSecret() bool {
	return o.hides(o.bare) || o.hides(withoutOverwrite(o.pending))
}

// hides reports whether a line contains a secret.
func (o *Output) hides(line []byte) bool {
	text := strings.Map(printableRune, string(line))
	return o.log.redact.Text(text) != text
}

// write writes a line, or each state of a line that was overwritten. Blank lines,
// with which tools space their output, are dropped.
func (o *Output) write(line []byte) {
	o.clipped = o.clipped || bytes.Contains(line, []byte(clippedMark))
	var texts []string
	switch bare := string(o.bare); {
	case bare == string(line): // no control characters
		texts = []string{bare}
	case o.hides(o.bare):
		texts = []string{bare}
	case o.hides(withoutOverwrite(line)):
		texts = []string{string(withoutOverwrite(line))}
	default:
		texts, o.prefix = states(o.prefix, string(line))
	}
	for _, text := range texts {
		if text = strings.TrimRight(text, "\t "); text != "" {
			o.log.line("INFO", "run: "+text)
		}
	}
}

func withoutOverwrite(text []byte) []byte { return bytes.ReplaceAll(text, []byte{overwrite}, nil) }
