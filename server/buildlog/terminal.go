package buildlog

// Output for a terminal, converted to lines of a log: escape sequences (ECMA-48) are
// removed whole, and texts that a terminal would overwrite become lines of their own.

import (
	"regexp"
	"strings"
	"unicode"
)

// maxSequence bounds an escape sequence, in bytes. A longer one, or one that is not
// complete at the end of its line, is text.
const maxSequence = 4 << 10

const (
	escape = 0x1b
	bell   = 0x07
	// overwrite marks where a terminal returns to the start of a line.
	overwrite = '\r'
)

// terminal removes escape sequences from a stream, whose pieces may end anywhere.
type terminal struct {
	state   func(*terminal, byte) bool // of the open sequence; nil for none
	pending []byte                     // the open sequence
}

// feed returns the text of a piece, which has no newline: without control characters
// of one byte but the tab, and with overwrite between texts that a terminal writes at
// the same position.
func (t *terminal) feed(piece []byte) []byte {
	text := make([]byte, 0, len(piece))
	for _, b := range piece {
		text = t.add(text, b)
	}
	return text
}

// flush ends the line and returns an incomplete sequence as text.
func (t *terminal) flush() []byte {
	text := visible(nil, t.pending)
	t.state, t.pending = nil, t.pending[:0]
	return text
}

func (t *terminal) add(text []byte, b byte) []byte {
	switch {
	case t.state == nil && (b == escape || b == 0xc2): // the latter begins the control characters above ASCII
		t.state, t.pending = begun, append(t.pending[:0], b)
		return text
	case t.state == nil:
		return visible(text, []byte{b})
	case b == escape && !t.inString():
		// A sequence that another one interrupts is text.
		text = append(text, t.flush()...)
		return t.add(text, b)
	}
	t.pending = append(t.pending, b)
	if !t.state(t, b) && len(t.pending) < maxSequence {
		return text
	}
	sequence := t.pending
	t.state, t.pending = nil, t.pending[:0]
	switch {
	case len(sequence) >= maxSequence, !isControl(sequence):
		return visible(text, sequence)
	case movesCursor(sequence):
		return append(text, overwrite)
	}
	return text
}

// visible appends the bytes of piece that a log may show to text.
func visible(text, piece []byte) []byte {
	for _, b := range piece {
		if b == overwrite || b >= 0x80 || printableRune(rune(b)) >= 0 {
			text = append(text, b)
		}
	}
	return text
}

// isControl reports whether a sequence is one, and not a character above ASCII with
// the same first byte.
func isControl(sequence []byte) bool {
	return sequence[0] == escape || len(sequence) > 1 && sequence[1] >= 0x80 && sequence[1] < 0xa0
}

// movesCursor reports whether a CSI sequence moves the cursor to another line or
// column: the text after it overwrites another.
func movesCursor(sequence []byte) bool {
	csi := sequence[1] == '[' || sequence[1] == 0x9b
	return csi && strings.IndexByte("ABEFGHJdf", sequence[len(sequence)-1]) >= 0
}

func (t *terminal) inString() bool { return len(t.pending) > 1 && isString(t.pending[1]) }

// isString reports whether b begins a string, which ends with ST or, as terminals
// accept it, a bell: OSC, DCS, SOS, PM, APC, in 7 bits or in 8.
func isString(b byte) bool {
	return strings.IndexByte("]PX^_", b) >= 0 || b == 0x90 || b == 0x98 || 0x9d <= b && b <= 0x9f
}

// The states. Each reports whether b completes the sequence.

func begun(t *terminal, b byte) bool {
	above := t.pending[0] == 0xc2
	switch {
	case above && (b < 0x80 || b >= 0xa0): // a character
		return true
	case above && b == 0x9b, !above && b == '[':
		t.state = inCSI
	case isString(b):
		t.state = inString
	case !above && 0x20 <= b && b <= 0x2f:
		t.state = inEscape
	default:
		return true
	}
	return false
}

func inCSI(_ *terminal, b byte) bool { return 0x40 <= b && b <= 0x7e }

func inEscape(_ *terminal, b byte) bool { return 0x30 <= b && b <= 0x7e }

func inString(t *terminal, b byte) bool {
	last := t.pending[len(t.pending)-2]
	return b == bell || last == escape && b == '\\' || last == 0xc2 && b == 0x9c
}

// states splits a line into the texts that overwrite each other. Of the states of one
// progress bar it keeps the last; it keeps all texts that differ in their words.
// BuildKit's step and time at the start of the line are put before each: they are
// prefix in the rest of a line that was cut, and are returned.
func states(prefix, line string) (kept []string, found string) {
	last := ""
	for i, state := range strings.Split(line, string(rune(overwrite))) {
		if i == 0 && prefix == "" {
			prefix = stepPrefix.FindString(state)
			state = state[len(prefix):]
		}
		if strings.TrimSpace(state) == "" {
			continue
		}
		words := barWords(state)
		if len(kept) > 0 && words == last {
			kept = kept[:len(kept)-1]
		}
		kept, last = append(kept, prefix+state), words
	}
	if len(kept) == 0 {
		kept = []string{prefix}
	}
	return kept, prefix
}

var stepPrefix = regexp.MustCompile(`^#[0-9]+ (?:[0-9]+\.[0-9]+ )?`)

// barWords returns what is equal in all states of a progress bar: its words without
// digits.
func barWords(state string) string {
	var words []string
	for word := range strings.FieldsSeq(state) {
		letters := strings.Count(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return 'x'
			}
			return ' '
		}, word), "x")
		if letters > 1 && strings.IndexFunc(word, unicode.IsDigit) < 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// plainText returns a text of several lines without its escape sequences.
func plainText(text string) string {
	if strings.IndexByte(text, escape) < 0 && !strings.Contains(text, "\u009b") {
		return text
	}
	var plain strings.Builder
	for line := range strings.Lines(text) {
		var t terminal
		content, end := strings.CutSuffix(line, "\n")
		plain.Write(t.feed([]byte(content)))
		plain.Write(t.flush())
		if end {
			plain.WriteByte('\n')
		}
	}
	return plain.String()
}
