package gitstore

import (
	"fmt"
	"strconv"
)

// LimitError means that a repository is too large.
type LimitError struct {
	What  string // of which there is too much, in the plural
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the repository is too large: more than %s %s", FormatCount(e.Limit), e.What)
}

// TreeError means that a commit holds a path which must not be written.
type TreeError struct {
	Path   string
	Reason string
}

func (e *TreeError) Error() string {
	return fmt.Sprintf("the commit holds the path %q, which is refused: %s", e.Path, e.Reason)
}

// DateError means that the date of a commit is missing or impossible.
type DateError struct {
	Commit     string // its id
	Unreadable bool   // there is no committer line, or none that Git can read
}

func (e *DateError) Error() string {
	reason := ""
	if e.Unreadable {
		reason = "its committer line cannot be read, so it "
	}
	return fmt.Sprintf("commit %s: %shas no date between the years 1970 and 9999, which records and the manifest require: commit again", e.Commit, reason)
}

// MissingObjectError means that the server left out an object of the commit.
type MissingObjectError struct {
	ID   string
	Kind string // "commit", "tree" or "blob"
}

func (e *MissingObjectError) Error() string {
	return fmt.Sprintf("the server left out the %s %s", e.Kind, e.ID)
}

// FormatCount writes 1234567 as "1,234,567".
func FormatCount(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
