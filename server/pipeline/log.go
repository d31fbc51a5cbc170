package pipeline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Bounds of the build log.
const (
	maxLine = 64 << 10 // bytes of one line; what is longer is cut
	maxLog  = 64 << 20 // bytes of the whole log; what comes later is dropped, and said
)

// log is the build log. A line is
//
//	YYYY-MM-DD HH:MM:SS,mmm  component  level   message
//
// in UTC, the component padded to 11 columns and the level to 8. Every line is
// redacted before it is written, and written whole. Safe for concurrent use.
type log struct {
	redact *redactor
	now    func() time.Time
	touch  func() // tells followers that there is more

	mu      sync.Mutex
	file    *os.File
	size    int64
	failure error // the first error of writing
	gap     bool  // lines are missing at the end
}

const component = "root"

func newLog(file *os.File, redact *redactor, now func() time.Time, touch func()) *log {
	return &log{file: file, redact: redact, now: now, touch: touch}
}

// Info writes a message of the server.
func (l *log) Info(format string, values ...any) { l.lines("INFO", fmt.Sprintf(format, values...)) }

// Warning writes a message about what may not be meant.
func (l *log) Warning(format string, values ...any) {
	l.lines("WARNING", fmt.Sprintf(format, values...))
}

// Error writes a message about what went wrong.
func (l *log) Error(format string, values ...any) { l.lines("ERROR", fmt.Sprintf(format, values...)) }

func (l *log) lines(level, text string) {
	// Redacted before it is taken apart: a secret may have several lines.
	for line := range strings.Lines(l.redact.text(text)) {
		l.line(level, strings.TrimRight(line, "\r\n"))
	}
}

func (l *log) line(level, message string) {
	message = l.redact.text(message)
	if shown := strings.Map(printable, plainText(message)); shown != message {
		message = l.redact.text(shown) // what was taken out may have stood within a secret
	}
	if len(message) > maxLine {
		message = message[:maxLine] + " (cut: the line is longer)"
	}
	line := fmt.Sprintf("%s  %-11s%-8s%s\n", l.now().UTC().Format("2006-01-02 15:04:05,000"), component, level, message)
	l.write(line)
	l.touch()
}

// printable keeps terminals safe from what a build prints: escape sequences, of
// which some begin with one of the control characters above ASCII, and marks
// that turn the direction of writing could hide lines from a reader, or show
// other ones.
func printable(r rune) rune {
	switch {
	case r == '\t', ' ' <= r && r <= '~': // nearly all, told without a look into tables
		return r
	case unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

func (l *log) write(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > maxLog {
		return
	}
	if l.gap {
		// What follows a gap says why the build failed; half a line may be in
		// front of it.
		line = "\n(lines are missing here: the log could not be written)\n" + line
	}
	if l.size+int64(len(line)) > maxLog {
		l.size = maxLog + 1
		line = fmt.Sprintf("(the log ends here: it has reached %d bytes)\n", maxLog)
	}
	n, err := io.WriteString(l.file, line)
	l.size += int64(n)
	l.gap = err != nil
	if err != nil && l.failure == nil {
		l.failure = fmt.Errorf("write build log: %w", err)
	}
}

// Frozen is all of the log that is written now.
func (l *log) Frozen() (*io.SectionReader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := l.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read build log: %w", err)
	}
	return io.NewSectionReader(l.file, 0, info.Size()), l.failure
}

// Close syncs the log and closes it.
func (l *log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failure, l.file.Sync(), l.file.Close())
}

// printableLines is a text of several lines without what printable takes out.
func printableLines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return printable(r)
	}, plainText(text))
}
