package gitstore

import (
	"bytes"
	"strconv"
	"time"
)

// committedAt returns the date of the committer line of a commit, in UTC, or a
// [DateError]. Git reads that line leniently, and so does this function: the date is
// the number after the last ">" (Git's ident.c, split_ident_line).
func committedAt(id string, commit []byte) (time.Time, error) {
	seconds, readable := committerDate(commit)
	if !readable {
		return time.Time{}, &DateError{Commit: id, Unreadable: true}
	}
	at := time.Unix(seconds, 0).UTC()
	if year := at.Year(); year < 1970 || year > 9999 {
		return time.Time{}, &DateError{Commit: id}
	}
	return at, nil
}

// committerDate returns the date, in seconds since 1970, of the first committer line
// of a commit's header. A number that is too large becomes the largest.
func committerDate(commit []byte) (seconds int64, readable bool) {
	for line := range bytes.Lines(commit) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 {
			break
		}
		person, ok := bytes.CutPrefix(line, []byte("committer "))
		if !ok {
			continue
		}
		mail := bytes.IndexByte(person, '<')
		end := bytes.LastIndexByte(person, '>')
		if mail < 0 || end < mail {
			return 0, false
		}
		date := bytes.TrimLeft(person[end+1:], " \t\r")
		digits := len(date) - len(bytes.TrimLeft(date, "0123456789"))
		if digits == 0 {
			return 0, false
		}
		seconds, _ = strconv.ParseInt(string(date[:digits]), 10, 64) // the only error is one of range
		return seconds, true
	}
	return 0, false
}
