package gitstore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// committers are lines, and whether git finds the date 1312735823 in them.
var committers = map[string]bool{
	"A <a@x> 1312735823 +0000":     true,
	"A <a@x>  1312735823  +0000":   true,
	"A <a@x>\t1312735823 +0200":    true,
	"A <a@x>1312735823 +0000":      true,
	"<> 1312735823 +0000":          true,
	"<a@x> 1312735823 -0700":       true,
	"A <a@x>> 1312735823 +0000":    true,
	"A <a> b> 1312735823 +0000":    true,
	"A <<a@x> 1312735823 +0000":    true,
	"A <a@x> 1312735823x +0000":    false,
	"A <a@x> x1312735823 +0000":    false,
	"A a@x 1312735823 +0000":       false,
	"A <a@x 1312735823 +0000":      false,
	"A a@x> 1312735823 +0000":      false,
	"A <a@x>":                      false,
	"A <a@x> ":                     false,
	"A <a@x> -1312735823 +0000":    false,
	"A\n <a@x> 1312735823 +0000":   false,
	"A <a@x> 1312735823 +12345678": true,
}

// lenient are lines whose number is read here, though git requires a time zone too.
var lenient = map[string]bool{"A <a@x> 1312735823x +0000": true}

func commitBy(committer string) string {
	return "tree " + strings.Repeat("0", 40) + "\nauthor A <a@x> 1 +0000\ncommitter " + committer + "\n\nmessage\ncommitter A <a@x> 2 +0000\n"
}

func TestCommittedAt(t *testing.T) {
	for line, readable := range committers {
		got, err := committedAt("id", []byte(commitBy(line)))
		var date *DateError
		switch {
		case readable || lenient[line]:
			if err != nil || !got.Equal(time.Unix(1312735823, 0)) {
				t.Errorf("%q: got %v, %v", line, got, err)
			}
		case !errors.As(err, &date) || !date.Unreadable || !strings.Contains(err.Error(), "its committer line cannot be read"):
			t.Errorf("%q: got %v, %v", line, got, err)
		}
	}
	for _, seconds := range []string{"253402300800", "9223372036854775807", "9223372036854775808", strings.Repeat("9", 100)} {
		_, err := committedAt("id", []byte(commitBy("A <a@x> "+seconds+" +0000")))
		var date *DateError
		if !errors.As(err, &date) || date.Unreadable {
			t.Errorf("%s: got %v", seconds, err)
		}
	}
	for _, text := range []string{"", "tree x\n", "tree x\n\ncommitter A <a@x> 1 +0000\n"} {
		if got, err := committedAt("id", []byte(text)); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
