//go:build stack

package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// soon is how long a clone may take to end after its context.
const soon = time.Second

// errStopped is why the tests end a context: Clone must hand it on.
var errStopped = errors.New("stopped by the test")

// cancelled clones, ends the context when reached closes, and checks that the
// clone ends soon and leaves no folder.
func cancelled(t *testing.T, request Request, reached <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	dir := filepath.Join(t.TempDir(), "tree")
	done := make(chan error, 1)
	go func() {
		_, err := Clone(ctx, request, dir, nil)
		done <- err
	}()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("it ended before the phase was reached: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the phase was not reached")
	}
	start := time.Now()
	cancel(errStopped)
	select {
	case err := <-done:
		if !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the clone goes on")
	}
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v to end", took)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was left over: %v", err)
	}
	connectionsGone(t)
}

// connectionsGone waits for the goroutines of client connections to end. The
// server of the tests is in this process and still runs, so goleak alone would
// have to wait for its end, which would end the client's connections too.
func connectionsGone(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	deadline := time.After(5 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; {
		text := string(stacks[:runtime.Stack(stacks, true)])
		left := slices.ContainsFunc([]string{"ssh.NewClient", "ssh.newClientTransport", "ssh.(*Client)", "http.(*persistConn)"}, func(name string) bool {
			return strings.Contains(text, name)
		})
		if !left {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("a connection is left over:\n%s", text)
		}
	}
}

func TestCancelWhileServerIsSilent(t *testing.T) {
	for _, phase := range []gitserver.Phase{gitserver.Accepted, gitserver.Serving, gitserver.Packing} {
		for _, scheme := range []string{"ssh", "https"} {
			t.Run(fmt.Sprintf("%s %s", phase, scheme), func(t *testing.T) {
				reached := make(chan struct{}, 10)
				s := newStack(t, gitserver.Options{Gate: func(ctx context.Context, at gitserver.Phase) {
					if at == phase {
						reached <- struct{}{}
						<-ctx.Done()
					}
				}})
				s.create(t, "one.git", map[string]gitserver.File{"noise": {Content: pseudoRandom(1 << 20)}})
				request := s.ssh("one.git")
				if scheme == "https" {
					request = s.https("one.git")
				}
				cancelled(t, request, reached)
			})
		}
	}
}

// The phases after the network: the context ends when they begin.
func TestCancelOnDisk(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	files := map[string]gitserver.File{}
	for i := range 3000 {
		files[fmt.Sprintf("d%d/f%d", i%50, i)] = gitserver.File{Content: fmt.Sprint("content ", i)}
	}
	s.create(t, "many.git", files)
	for name, text := range map[string]string{"checking out": "received", "writing .git": "checked out"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			dir := filepath.Join(t.TempDir(), "tree")
			progress := writerFunc(func(line string) {
				if strings.Contains(line, text) {
					cancel(errStopped)
				}
			})
			_, err := Clone(ctx, s.ssh("many.git"), dir, progress)
			if !errors.Is(err, errStopped) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Lstat(dir); !os.IsNotExist(err) {
				t.Errorf("the folder was left over: %v", err)
			}
		})
	}
}

type writerFunc func(string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// A server that accepts a connection and then never sends a byte.
func TestCancelWhileConnecting(t *testing.T) {
	for _, scheme := range []string{"ssh", "https"} {
		t.Run(scheme, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			reached := make(chan struct{})
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				close(reached)
				_, _ = io.Copy(io.Discard, conn) // ends when the client goes
			}()
			cancelled(t, Request{URL: scheme + "://" + listener.Addr().String() + "/one.git"}, reached)
		})
	}
}

// pseudoRandom returns text that does not compress, the same each time.
func pseudoRandom(size int) string {
	text := make([]byte, size)
	state := uint64(88172645463325252)
	for i := range text {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		text[i] = byte(state)
	}
	return string(text)
}
