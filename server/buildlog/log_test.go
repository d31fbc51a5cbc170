package buildlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func newTestLog(t *testing.T) (*Log, func() string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "build.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	now := func() time.Time {
		return time.Date(2020, 6, 23, 5, 25, 42, 453_999_999, time.FixedZone("", 3600)).Add(time.Hour)
	}
	l := New(file, NewRedactor(planted), now, func() {})
	return l, func() string {
		content, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
}

// TestLogLine is the example of the protocol, section 5.
func TestLogLine(t *testing.T) {
	l, content := newTestLog(t)
	l.Info("starting a build")
	if want := "2020-06-23 05:25:42,453  root       INFO    starting a build\n"; content() != want {
		t.Errorf("got  %q\nwant %q", content(), want)
	}
}

func TestLogIsBounded(t *testing.T) {
	l, content := newTestLog(t)
	line := strings.Repeat("z", maxLine/2)
	for range 2*maxLog/len(line) + 10 {
		l.Info("%s", line)
	}
	got := content()
	if len(got) > maxLog+200 || !strings.HasSuffix(got, "the log ends here: it has reached 67108864 bytes)\n") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-100:])
	}
}

// TestLogOnAFullDisk: the log continues when there is space again, reports that lines
// are missing, and is never taken for complete.
func TestLogOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	l := New(file, NewRedactor(nil), time.Now, func() {})
	l.Info("first")
	l.file = full
	l.Info("second")
	l.Info("third")
	l.file = file
	l.Info("fourth")
	l.Info("fifth")
	if _, err := l.Snapshot(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.FieldsFuncSeq(string(content), func(r rune) bool { return r == '\n' }) {
		lines = append(lines, line[strings.LastIndex(line, " ")+1:])
	}
	if got := strings.Join(lines, " "); got != "first written) fourth fifth" {
		t.Errorf("the log holds %q", content)
	}
}
