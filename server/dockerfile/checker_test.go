package dockerfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/process"
)

// inline runs the task in this process.
type inline struct{}

func (inline) Run(_ context.Context, task process.Task, read func(io.Reader) error) error {
	var output bytes.Buffer
	run := map[string]func(io.Reader, io.Writer) error{CheckTask: RunCheck, TriggersTask: RunTriggers}[task.Name]
	if err := run(task.Input, &output); err != nil {
		return err
	}
	return read(&output)
}

// dead is a process that a Dockerfile has ended.
type dead struct{}

func (dead) Run(context.Context, process.Task, func(io.Reader) error) error {
	return errors.New("panic: index out of range\n\ngoroutine 1 [running]:")
}

func TestChecker(t *testing.T) {
	for _, test := range []struct {
		text     string
		verified bool
		problem  string
	}{
		{"FROM a\n", true, ""},
		{"# caf\xe9\nFROM a\n", false, ""},
		{"# caf\xe9\nFROM a\n", true, "it is not UTF-8 text"},
		{"ARG V=1\n", false, "there is no FROM in it"},
		{"# escape=`\nFROM a\n", false, ""},
		{"# escape=`\nFROM a\n", true, "escape directive"},
	} {
		err := Checker{inline{}}.Check(t.Context(), Request{Text: []byte(test.text), Environment: linux, Verified: test.verified})
		if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%q: error %v, want %q", test.text, err, test.problem)
		}
	}
	err := Checker{dead{}}.Check(t.Context(), Request{Text: []byte("FROM a\n")})
	if err == nil || !strings.Contains(err.Error(), "panic: index out of range") || strings.Contains(err.Error(), "goroutine") {
		t.Errorf("a process that ended: %v", err)
	}
}

// TestLargestRequestFits: what the pipeline reads must pass as JSON.
func TestLargestRequestFits(t *testing.T) {
	const maxDockerfile = 4 << 20 // server/pipeline
	input, err := json.Marshal(Request{Text: bytes.Repeat([]byte{0xff}, maxDockerfile)})
	if err != nil || len(input) > maxRequest {
		t.Errorf("%d bytes, error %v", len(input), err)
	}
}

// A trigger that ends its process is an error of the build, as a Dockerfile is.
func TestTriggersInTheirProcess(t *testing.T) {
	triggers := []string{"RUN make", "COPY --from=evil:1 /x /x", "TAKE x", "# a\n# check=skip=all\nRUN true"}
	found, err := Checker{inline{}}.Triggers(t.Context(), triggers)
	if err != nil || len(found) != 4 {
		t.Fatalf("%+v, %v", found, err)
	}
	if found[0].Names != nil || found[0].Problem != "" || !slices.Equal(found[1].Names, []string{"evil:1"}) || !strings.Contains(found[2].Problem, "TAKE") || found[3].Problem != "" {
		t.Errorf("got %+v", found)
	}
	if _, err := (Checker{dead{}}).Triggers(t.Context(), triggers); err == nil || !strings.Contains(err.Error(), "panic: index out of range") {
		t.Errorf("a process that ended: %v", err)
	}
	if _, err := (Checker{short{}}).Triggers(t.Context(), triggers); err == nil {
		t.Error("a trigger that was not read was accepted")
	}
	for _, many := range [][]string{make([]string, maxTriggers+1), {strings.Repeat("x", maxTriggersText+1)}} {
		if _, err := (Checker{inline{}}).Triggers(t.Context(), many); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%d triggers: %v", len(many), err)
		}
	}
	if found, err := (Checker{dead{}}).Triggers(t.Context(), nil); found != nil || err != nil {
		t.Errorf("no triggers: %v, %v", found, err)
	}
}

// short is a process that leaves triggers out.
type short struct{}

func (short) Run(_ context.Context, _ process.Task, read func(io.Reader) error) error {
	return read(strings.NewReader("[]"))
}
