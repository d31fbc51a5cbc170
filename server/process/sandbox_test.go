package process_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opensbs/sbs/server/process"
)

// probe builds the program that is confined: without C, as the server is.
func probe(t *testing.T) string {
	t.Helper()
	// A user of its own must reach it.
	folder, err := os.MkdirTemp("", "probe-")
	if err == nil {
		err = os.Chmod(folder, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	file := filepath.Join(folder, "probe")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return file
}

// fixture is what an attacker in a child would want.
type fixture struct{ program, secret, address string }

func newFixture(t *testing.T) fixture {
	t.Helper()
	f := fixture{program: probe(t)}
	f.secret = filepath.Join(filepath.Dir(f.program), "secret")
	if err := os.WriteFile(f.secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	f.address = listener.Addr().String()
	return f
}

// TestSandboxIsEnforced lets a child attack from within, under servers of different
// rights. Each attack that works is a failure.
func TestSandboxIsEnforced(t *testing.T) {
	f := newFixture(t)
	const other = 1234
	type server struct {
		mode    string
		user    uint32
		missing []string // beginnings
	}
	servers := map[string]server{
		"root":                    {mode: "parent"},
		"root without privileges": {mode: "no-sys-admin", missing: []string{"network, mount, process"}},
		"another user":            {mode: "parent", user: other, missing: []string{"a user id of its own"}},
	}
	if os.Getuid() != 0 { // these tests are the server: no attack works without root either
		servers = map[string]server{"this user": {mode: "parent", missing: []string{"a user id of its own"}}}
	}
	for name, test := range servers {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), f.program, test.mode, f.program, f.secret, f.address, "attack", "")
			command.Env = []string{"SECRET=secret"}
			command.Dir = "/"
			// What the server itself was started with does not reach the child either.
			inherited, err := os.Open(f.program)
			if err != nil {
				t.Fatal(err)
			}
			defer inherited.Close()
			command.ExtraFiles = []*os.File{inherited}
			if test.user != 0 {
				command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: test.user, Gid: test.user}}
			}
			missing, worked := attacked(t, command)
			if !slices.EqualFunc(missing, test.missing, strings.HasPrefix) {
				t.Errorf("missing %q, want %q", missing, test.missing)
			}
			for _, attack := range worked {
				t.Errorf("a confined child could %s", attack)
			}
		})
	}
}

// attacked runs the probe as a parent and returns what the sandbox lacks and which
// attacks of the child worked.
func attacked(t *testing.T, command *exec.Cmd) (missing, worked []string) {
	t.Helper()
	var message bytes.Buffer
	command.Stderr = &message
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, message.Bytes())
	}
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), &missing); err != nil {
		t.Fatalf("%q: %v", output, err)
	}
	for lines.Scan() {
		worked = append(worked, lines.Text())
	}
	return missing, worked
}

// The attacks are real: without the sandbox they work.
func TestAttacksAreReal(t *testing.T) {
	f := newFixture(t)
	victim := exec.CommandContext(t.Context(), f.program, "victim")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer victim.Wait()
	defer victim.Process.Kill()
	input, err := json.Marshal(map[string]any{"Secret": f.secret, "Address": f.address, "PID": victim.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	harmless := []string{
		"read a file of the system", "read a file by the way up", "read a file of the server", "see processes", "list the root folder",
		"open a device", "connect to a loopback port", "make an internet socket", "make a local socket", "make a netlink socket",
		"signal the parent", "signal a thread of it", "trace the parent", "open the parent", "outlive the parent", "see the environment",
	}
	command := exec.CommandContext(t.Context(), f.program, append([]string{"unconfined"}, harmless...)...)
	command.Stdin, command.Dir, command.Env = bytes.NewReader(input), "/", []string{"SECRET=secret"}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, attack := range harmless {
		if !strings.Contains(string(output), attack+"\n") {
			t.Errorf("without a sandbox a child can't %s", attack)
		}
	}
}

func newSandbox(t *testing.T) *process.Sandbox {
	t.Helper()
	sandbox, err := process.NewSandbox(t.Context(), probe(t))
	if err != nil {
		t.Fatal(err)
	}
	return sandbox
}

var limits = process.Limits{Time: 20 * time.Second, Memory: 512 << 20, File: 1 << 20}

func TestTask(t *testing.T) {
	sandbox := newSandbox(t)
	var echoed []byte
	echo := func(output io.Reader) (err error) {
		echoed, err = io.ReadAll(output)
		return err
	}
	file, err := os.Open("sandbox_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, input := range map[string]io.Reader{"text": strings.NewReader("package process_test"), "file": file} {
		err := sandbox.Run(t.Context(), process.Task{Name: "echo", Input: input, Limits: limits}, echo)
		if err != nil || !bytes.HasPrefix(echoed, []byte("package process_test")) {
			t.Errorf("%s: %q, %v", name, echoed, err)
		}
	}
	scratch := t.TempDir()
	if err := sandbox.Run(t.Context(), process.Task{Name: "fill", Scratch: scratch, Limits: limits}, echo); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(scratch, "file")); err != nil || string(text) != "left" {
		t.Errorf("the scratch folder holds %q, %v", text, err)
	}
}

func TestTaskFails(t *testing.T) {
	sandbox := newSandbox(t)
	tooLong := errors.New("too long")
	for task, want := range map[string]string{
		"fail":    "it is very very",
		"fill":    "open file: ", // no scratch folder
		"grow":    "out of memory",
		"babble":  tooLong.Error(),
		"nothing": `no task "nothing"`,
	} {
		t.Run(task, func(t *testing.T) {
			err := sandbox.Run(t.Context(), process.Task{Name: task, Limits: limits}, func(output io.Reader) error {
				if n, err := io.Copy(io.Discard, io.LimitReader(output, 8<<20)); err != nil || n == 8<<20 {
					return errors.Join(err, tooLong)
				}
				return nil
			})
			// The race detector's own allocator ends with a signal where Go's reports
			// that there is no memory.
			raced := task == "grow" && err != nil && strings.Contains(err.Error(), "SIGSEGV")
			if err == nil || !strings.Contains(err.Error(), want) && !raced || len(err.Error()) > 4000 {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
	small := limits
	small.File = 2
	err := sandbox.Run(t.Context(), process.Task{Name: "fill", Scratch: t.TempDir(), Limits: small}, discard)
	if err == nil {
		t.Error("a file larger than the limit was written")
	}
}

func discard(output io.Reader) error {
	_, err := io.Copy(io.Discard, output)
	return err
}

// A context and a limit of time end the child.
func TestTaskIsStopped(t *testing.T) {
	sandbox := newSandbox(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by clean")
	err := sandbox.Run(ctx, process.Task{Name: "hang", Limits: limits}, func(output io.Reader) error {
		if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
			return err
		}
		cancel(stopped)
		return discard(output)
	})
	if !errors.Is(err, stopped) {
		t.Errorf("after its context ended: %v", err)
	}
	short := limits
	short.Time = 50 * time.Millisecond
	err = sandbox.Run(t.Context(), process.Task{Name: "hang", Limits: short}, discard)
	if err == nil || !strings.Contains(err.Error(), "not done after 50ms") {
		t.Errorf("after its time: %v", err)
	}
}

// A confined child ends with its parent, though it changed its user id.
func TestTaskEndsWithItsParent(t *testing.T) {
	f := newFixture(t)
	parent := exec.CommandContext(t.Context(), f.program, "parent", f.program, f.secret, f.address, "hang", "")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer parent.Process.Kill()
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "hanging" {
	}
	child := childOf(t, parent.Process.Pid)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(child) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			syscall.Kill(child, syscall.SIGKILL)
			t.Fatal("the child outlived its parent")
		}
	}
}

func childOf(t *testing.T, pid int) int {
	t.Helper()
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue
		}
		if child, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return child
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}
