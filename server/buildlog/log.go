package buildlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Bounds of the build log.
const (
	maxLine = 64 << 10 // bytes of one line; what is longer is cut
	maxLog  = 64 << 20 // bytes of the whole log; later lines are dropped, with a line about it
)

// Log is the log of one build. A line is
//
//	YYYY-MM-DD HH:MM:SS,mmm  component  level   message
//
// in UTC, the component padded to 11 columns and the level to 8. Every line is
// redacted before it is written, and written whole. Safe for concurrent use.
type Log struct {
	redact *Redactor
	now    func() time.Time
	touch  func() // called after each line, to wake followers

	mu      sync.Mutex
	file    File
	size    int64
	failure error // the first error of writing
	gap     bool  // lines are missing at the end
}

// File is the file of a log. volume.LogFile and *os.File implement it.
type File interface {
	io.WriteCloser
	io.ReaderAt
	Stat() (fs.FileInfo, error)
	Sync() error
}

const component = "root"

// New returns a log that writes to file, which Close closes. now is the clock of the
// lines; touch is called after each line, by any goroutine.
func New(file File, redact *Redactor, now func() time.Time, touch func()) *Log {
	return &Log{file: file, redact: redact, now: now, touch: touch}
}

// Info writes a message of the server.
func (l *Log) Info(format string, values ...any) { l.lines("INFO", fmt.Sprintf(format, values...)) }

// Warning writes a message about something that may be a mistake.
func (l *Log) Warning(format string, values ...any) {
	l.lines("WARNING", fmt.Sprintf(format, values...))
}

// Error writes a message about a failure.
func (l *Log) Error(format string, values ...any) { l.lines("ERROR", fmt.Sprintf(format, values...)) }

func (l *Log) lines(level, text string) {
	// Redact before the text is split: a secret may have several lines.
	for line := range strings.Lines(l.redact.Text(text)) {
		l.line(level, strings.TrimRight(line, "\r\n"))
	}
}

func (l *Log) line(level, message string) {
	message = l.redact.Text(message)
	if shown := strings.Map(printableRune, plainText(message)); shown != message {
		message = l.redact.Text(shown) // a removed character may have been inside a secret
	}
	if len(message) > maxLine {
		message = message[:maxLine] + " (cut: the line is longer)"
	}
	line := fmt.Sprintf("%s  %-11s%-8s%s\n", l.now().UTC().Format("2006-01-02 15:04:05,000"), component, level, message)
	l.write(line)
	l.touch()
}

// printableRune returns r, or -1 if r must not reach a terminal. Control characters
// (those above ASCII begin escape sequences too) and marks that change the direction
// of writing could hide lines from a reader, or show other ones.
func printableRune(r rune) rune {
	switch {
	case r == '\t', ' ' <= r && r <= '~': // nearly all; needs no Unicode table
		return r
	case unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

func (l *Log) write(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > maxLog {
		return
	}
	if l.gap {
		// The lines after a gap give the reason why the build failed. Half a line
		// may precede them.
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

// Snapshot returns what is written to the log so far. It returns the first error of
// writing as well: a log with missing lines is never taken for complete.
func (l *Log) Snapshot() (*io.SectionReader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := l.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read build log: %w", err)
	}
	return io.NewSectionReader(l.file, 0, info.Size()), l.failure
}

// Close syncs the log and closes it.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failure, l.file.Sync(), l.file.Close())
}

// Printable returns a text of several lines without escape sequences and without the
// characters that must not reach a terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return printableRune(r)
	}, plainText(text))
}
