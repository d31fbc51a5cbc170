package dockerfile

// The check in a process that may die: what ends BuildKit's parser, or keeps it
// busy without end, ends that process and not the server.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/opensbs/sbs/server/process"
)

// CheckTask is the task of the confined process, which calls RunCheck.
const CheckTask = "check-dockerfile"

// Limits of a check.
const (
	checkTime   = 30 * time.Second
	checkMemory = 1 << 30  // bytes
	maxRequest  = 32 << 20 // bytes, as JSON
	maxProblem  = 8 << 10  // bytes
)

// Request is a Dockerfile that is to be checked.
type Request struct {
	Text        []byte
	Environment Environment
	// Verified means that its base images are to be verified: Parse must take it too.
	Verified bool
}

// Runner runs a task in a process that is confined, and calls read with its output.
type Runner interface {
	Run(ctx context.Context, task process.Task, read func(output io.Reader) error) error
}

// Checker checks Dockerfiles in processes of their own.
type Checker struct{ Runner Runner }

// finding is the output of the task.
type finding struct {
	Problem string // empty for none
}

// Check returns why no builder takes the Dockerfile, or nil: the error of
// CheckSyntax and, where base images are verified, of Parse.
func (c Checker) Check(ctx context.Context, request Request) error {
	var found finding
	if err := c.run(ctx, CheckTask, request, maxProblem, &found); err != nil {
		return err
	}
	if found.Problem != "" {
		return errors.New(found.Problem)
	}
	return nil
}

// run sends request to the task and reads its result, up to most bytes of JSON.
func (c Checker) run(ctx context.Context, name string, request any, most int64, result any) error {
	input, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode what the process is to read: %w", err)
	}
	task := process.Task{
		Name: name, Input: strings.NewReader(string(input)),
		Limits: process.Limits{Time: checkTime, Memory: checkMemory},
	}
	err = c.Runner.Run(ctx, task, func(output io.Reader) error {
		return json.NewDecoder(io.LimitReader(output, most)).Decode(result)
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		first, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("it can't be read: the process that parses it ended: %s: look for what no usual Dockerfile has", first)
	}
	return nil
}

// RunCheck is the task: it reads a request and writes what it found.
func RunCheck(input io.Reader, output io.Writer) error {
	var request Request
	if err := json.NewDecoder(io.LimitReader(input, maxRequest)).Decode(&request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	err := CheckSyntax(request.Text, request.Environment.Args)
	if err == nil && request.Verified {
		_, err = Parse(request.Text, request.Environment)
	}
	return json.NewEncoder(output).Encode(finding{problem(err)})
}

// problem is the text of err in a result, or "".
func problem(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("%.1000s", strings.ToValidUTF8(err.Error(), "\ufffd"))
}
