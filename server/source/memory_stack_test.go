//go:build stack

package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// Roles that this test binary plays for itself, in processes of their own, so
// that memory can be measured. What a process is charged with begins with the
// memory of the one that started it, hence the small one in between.
const (
	roleVariable = "SBS_TEST_ROLE"
	roleClone    = "clone"   // clone the request on standard input; an empty one does nothing
	roleMeasure  = "measure" // run the arguments, write their peak memory to standard output
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case roleClone:
		err = cloneRequest()
	case roleMeasure:
		err = runMeasured()
	default:
		goleak.VerifyTestMain(m)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cloneRequest() error {
	var request Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil || request.URL == "" {
		return err
	}
	_, err := Clone(context.Background(), request, os.Args[1], nil)
	return err
}

func runMeasured() error {
	command := exec.Command(os.Args[1], os.Args[2:]...)
	command.Env = append(os.Environ(), roleVariable+"="+roleClone)
	command.Stdin, command.Stderr = os.Stdin, os.Stderr
	if err := command.Run(); err != nil {
		return err
	}
	usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("no resource usage")
	}
	fmt.Println(usage.Maxrss << 10)
	return nil
}

// measured runs a program and returns its time and peak memory in bytes, that of
// the largest of the programs it starts if that is more.
func measured(tb testing.TB, stdin []byte, arguments ...string) (time.Duration, int64) {
	tb.Helper()
	command := exec.Command(os.Args[0], arguments...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "TMPDIR=" + os.TempDir(), roleVariable + "=" + roleMeasure}
	command.Stdin = bytes.NewReader(stdin)
	var messages strings.Builder
	command.Stderr = &messages
	start := time.Now()
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("%v: %s", err, messages.String())
	}
	peak, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return time.Since(start), peak
}

// measuredClone clones in a process of its own; an empty request measures that.
func measuredClone(tb testing.TB, request Request, dir string) (time.Duration, int64) {
	tb.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		tb.Fatal(err)
	}
	return measured(tb, text, os.Args[0], dir)
}

// randomFiles makes files that do not compress, the same each time.
func randomFiles(tb testing.TB, count, size int) map[string]gitserver.File {
	tb.Helper()
	dir, source := tb.TempDir(), rand.NewChaCha8([32]byte{1})
	files, content := map[string]gitserver.File{}, make([]byte, size)
	for i := range count {
		_, _ = source.Read(content) // never fails
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			tb.Fatal(err)
		}
		files[fmt.Sprintf("d%d/f%d", i%100, i)] = gitserver.File{From: path}
	}
	return files
}

// The memory of a clone does not grow with the repository.
func TestMemoryIsConstant(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	_, idle := measuredClone(t, Request{}, "")
	for name, files := range map[string]map[string]gitserver.File{
		"large files": randomFiles(t, 60, 1_000_000),
		"small files": randomFiles(t, 20_000, 100),
		"one file":    randomFiles(t, 1, 60_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			repository := strings.ReplaceAll(name, " ", "-") + ".git"
			s.create(t, repository, files)
			for _, request := range []Request{s.ssh(repository), s.https(repository)} {
				_, peak := measuredClone(t, request, filepath.Join(t.TempDir(), "tree"))
				if peak-idle > 40<<20 {
					t.Errorf("%s: the clone took %d MB", request.URL[:5], (peak-idle)>>20)
				}
			}
		})
	}
}
