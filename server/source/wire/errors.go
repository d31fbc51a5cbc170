package wire

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// ErrNothing means that the server ended the connection without a word.
var ErrNothing = errors.New("the server sent nothing")

// ErrSHA256 means that the objects of the repository are named by SHA-256.
var ErrSHA256 = errors.New("it is a SHA-256 repository, and only SHA-1 repositories are supported: create it again without --object-format=sha256")

// NotGitError means that what the server sent is not the protocol of Git.
type NotGitError struct {
	ContentType string // over HTTP
	Text        string // how it begins, printable and in one line
}

func (e *NotGitError) Error() string {
	var text strings.Builder
	switch {
	case strings.HasPrefix(e.ContentType, "text/html"), strings.Contains(strings.ToLower(e.Text), "<html"):
		text.WriteString("the server sent a web page instead of a repository, perhaps one to sign in: check GITHUB_URL and the token")
	case e.ContentType != "":
		text.WriteString("the server sent something else than a repository: check GITHUB_URL")
	default:
		text.WriteString("the server sent words instead of a repository: check GITHUB_URL, and what the account runs at login")
	}
	if e.ContentType != "" {
		fmt.Fprintf(&text, " (content type %s)", Excerpt(e.ContentType))
	}
	if e.Text != "" {
		fmt.Fprintf(&text, "; it begins: %s", e.Text)
	}
	return text.String()
}

// ServerError is an error that the server reported by itself.
type ServerError struct {
	Text string // printable and in one line
}

func (e *ServerError) Error() string { return "the server reports: " + e.Text }

// reported returns the error that a line reports, if it does.
func reported(line string) error {
	if text, ok := strings.CutPrefix(line, "ERR "); ok {
		return &ServerError{Excerpt(text)}
	}
	return nil
}

// maxExcerpt bounds what is shown of a server's text, in bytes.
const maxExcerpt = 300

// Excerpt returns the beginning of a text that a server sent, in one line without
// control characters.
func Excerpt(text string) string {
	shown := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text[:min(len(text), maxExcerpt)])
	shown = strings.Join(strings.Fields(shown), " ")
	if len(text) > maxExcerpt {
		shown += "..."
	}
	return shown
}

// notGit describes what is buffered in a stream.
func notGit(from *bufio.Reader) error {
	text, _ := from.Peek(from.Buffered())
	return &NotGitError{Text: Excerpt(string(text))}
}

func trimLine(payload []byte) string { return strings.TrimSuffix(string(payload), "\n") }
