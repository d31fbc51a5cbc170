package dockerfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/process"
)

// inline runs the task in this process.
type inline struct{}

func (inline) Run(_ context.Context, task process.Task, read func(io.Reader) error) error {
	var output bytes.Buffer
	if err := RunCheck(task.Input, &output); err != nil {
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
