package pipeline

// What programs print for a terminal, as lines of a log: escape sequences
// (ECMA-48) go whole, and what a terminal would write over itself becomes lines.

import (
	"regexp"
	"strings"
	"unicode"
)

// maxSequence bounds an escape sequence, in bytes; one that is longer, or that a
// line ends before it does, is text.
const maxSequence = 4 << 10

const (
	escape = 0x1b
	bell   = 0x07
	// overwrite stands for whatever leads a terminal back to the start of a line.
	overwrite = '\r'
)

// terminal takes escape sequences out of a stream, whose pieces may end anywhere.
type terminal struct {
	state   func(*terminal, byte) bool // of the open sequence; nil for none
	pending []byte                     // the open sequence
}

// feed returns what is text of a piece without a line's end: no control characters
// of one byte but the tab, and overwrite between the texts that a terminal writes
// at the same place.
func (t *terminal) feed(piece []byte) []byte {
	text := make([]byte, 0, len(piece))
	for _, b := range piece {
		text = t.add(text, b)
	}
	return text
}

// flush ends the line: an open sequence was none.
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
		// A sequence that another one breaks off is none.
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
	case returns(sequence):
		return append(text, overwrite)
	}
	return text
}

// visible appends the bytes of a text that a log may show.
func visible(text, piece []byte) []byte {
	for _, b := range piece {
		if b == overwrite || b >= 0x80 || printable(rune(b)) >= 0 {
			text = append(text, b)
		}
	}
	return text
}

// isControl tells a sequence from a character above ASCII that begins like one.
func isControl(sequence []byte) bool {
	return sequence[0] == escape || len(sequence) > 1 && sequence[1] >= 0x80 && sequence[1] < 0xa0
}

// returns reports whether a CSI sequence moves the cursor to another line or to a
// column: what follows is written over something else.
func returns(sequence []byte) bool {
	csi := sequence[1] == '[' || sequence[1] == 0x9b
	return csi && strings.IndexByte("ABEFGHJdf", sequence[len(sequence)-1]) >= 0
}

func (t *terminal) inString() bool { return len(t.pending) > 1 && isString(t.pending[1]) }

// isString reports whether b opens a string that only ST or, as terminals take it,
// a bell ends: OSC, DCS, SOS, PM, APC, in 7 bits or in 8.
func isString(b byte) bool {
	return strings.IndexByte("]PX^_", b) >= 0 || b == 0x90 || b == 0x98 || 0x9d <= b && b <= 0x9f
}

// The states: each reports whether the sequence is complete with b.

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

// states takes apart what was written over itself. Of the states of one progress
// bar only the last is left; texts that differ in their words all stay. What
// BuildKit puts before the line, its step and the time, is put before each: prefix
// where the line goes on, else it is found and returned.
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

// barWords is what stays the same in the states of a progress bar: its words
// without numbers.
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

// plainText is a text of several lines without its escape sequences.
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
