package pipeline

import (
	"bytes"
	"strings"
)

// output is a writer for what the tools of a step print: each of its lines
// becomes one of the log's, or several where a terminal would write them over one
// another, with "run: " before it.
type output struct {
	log      *log
	terminal terminal
	pending  []byte // the line as a terminal would show it, with overwrite between its states
	bare     []byte // the line without its control characters, in which a secret may show up as well
	prefix   string // of the line: BuildKit's step and time
	skip     bool   // the rest of an overlong line
	clipped  bool   // the builder left something out
}

// clippedMark is in the line that BuildKit writes instead of what it leaves out
// (util/progress/logs).
const clippedMark = "[output clipped, log limit "

func (l *log) output() *output { return &output{log: l} }

func (o *output) Write(p []byte) (int, error) {
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

// Close writes a last line that had no newline, and whether the builder cut any.
func (o *output) Close() error {
	o.endLine()
	if o.clipped {
		o.log.Warning("the builder left out output of its steps (%s...): the limits are BUILDKIT_STEP_LOG_MAX_SIZE and BUILDKIT_STEP_LOG_MAX_SPEED of the Docker Engine", clippedMark)
	}
	return nil
}

// add adds a piece to the pending line, of which it writes what gets too long.
func (o *output) add(piece []byte) {
	const chunk = 32 << 10
	for len(piece) > 0 && !o.skip {
		next := piece[:min(chunk, len(piece))]
		piece = piece[len(next):]
		o.pending = append(o.pending, o.terminal.feed(next)...)
		o.bare = append(o.bare, withoutOverwrite(visible(nil, next))...)
		o.shorten()
	}
}

func (o *output) endLine() {
	if !o.skip {
		o.pending = append(o.pending, o.terminal.flush()...)
		o.write(o.pending)
	}
	o.terminal, o.skip, o.prefix = terminal{}, false, ""
	o.pending, o.bare = o.pending[:0], o.bare[:0]
}

// shorten keeps the pending line bounded. A line is cut only behind what the longest
// secret could need, so that no part of a secret is left at the cut: behind
// states that were written over if it has some, else the rest of it is skipped.
func (o *output) shorten() {
	longest := o.log.redact.longest
	if len(o.bare) <= 2*maxLine+longest && len(o.pending) <= 2*maxLine+longest {
		return
	}
	cut := bytes.LastIndexByte(o.pending[:max(0, len(o.pending)-2*longest)], overwrite)
	if o.secret() || cut < 0 && len(withoutOverwrite(o.pending)) > maxLine+longest {
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

// secret reports whether the pending line has a secret in one of the ways in which
// it can be read.
func (o *output) secret() bool {
	return o.hides(o.bare) || o.hides(withoutOverwrite(o.pending))
}

func (o *output) hides(line []byte) bool {
	text := strings.Map(printable, string(line))
	return o.log.redact.text(text) != text
}

// write writes a line, or the states of one that were written over. Blank ones, with
// which the tools space their output, are left out.
func (o *output) write(line []byte) {
	o.clipped = o.clipped || bytes.Contains(line, []byte(clippedMark))
	var texts []string
	switch bare := string(o.bare); {
	case bare == string(line): // nothing was taken out
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
