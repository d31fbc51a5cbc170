package sbom_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/server/sbom"
)

// This test's own program plays the one that looks through images.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "play" {
		os.Exit(play(os.Args[2], os.Args[3], os.Args[4]))
	}
	goleak.VerifyTestMain(m)
}

// play is what a looking program may do, for better or worse.
func play(role, archive, scratch string) int {
	switch role {
	case "answer":
		answer(archive, scratch)
	case "fail":
		fmt.Fprintln(os.Stderr, "the image is", strings.Repeat("very ", 10_000), "odd")
		return 1
	case "fail silently":
		return 3
	case "warn":
		fmt.Fprintln(os.Stderr, "something is odd")
		fmt.Println(`{"packages":[{"name":"one"}]}`)
	case "babble":
		for {
			if _, err := fmt.Println(strings.Repeat(" ", 1<<20)); err != nil {
				return 0
			}
		}
	case "hang":
		if err := os.WriteFile(archive+".pid", fmt.Append(nil, os.Getpid()), 0o600); err != nil {
			return 1
		}
		forever := make(chan os.Signal, 1)
		signal.Notify(forever, syscall.SIGUSR1)
		<-forever
	}
	return 0
}

// answer tells what the process was given, as packages.
func answer(archive, scratch string) {
	found := sbom.Inventory{Packages: []sbom.Package{{Name: "archive", Path: archive}, {Name: "scratch", Path: scratch}}}
	for _, value := range os.Environ() {
		found.Packages = append(found.Packages, sbom.Package{Name: "environment", Version: value})
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		// Go itself looks at the process's limits in /sys.
		ours := slices.ContainsFunc([]string{"/dev/", "/proc/", "/sys/"}, func(own string) bool { return strings.HasPrefix(target, own) })
		if err == nil && filepath.IsAbs(target) && !ours {
			found.Packages = append(found.Packages, sbom.Package{Name: "open", Path: target})
		}
	}
	if err := os.WriteFile(filepath.Join(scratch, "file"), []byte("left"), 0o600); err != nil {
		panic(err)
	}
	if err := found.Write(os.Stdout); err != nil {
		panic(err)
	}
}

func player(t *testing.T, role string) sbom.Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return sbom.Program{Path: self, Arguments: []string{"play", role}}
}

func TestScan(t *testing.T) {
	t.Setenv("SECRET", "must not be seen")
	open, err := os.Create(filepath.Join(t.TempDir(), "keys")) // must not be inherited
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	work := t.TempDir()
	found, err := player(t, "answer").Scan(t.Context(), "/archive.tar", work)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found.Packages {
		switch p.Name {
		case "archive":
			if p.Path != "/archive.tar" {
				t.Errorf("archive %s", p.Path)
			}
		case "scratch":
			if !strings.HasPrefix(p.Path, work+"/") {
				t.Errorf("scratch folder %s", p.Path)
			}
		case "environment":
			if !strings.HasPrefix(p.Version, "TMPDIR="+work+"/") {
				t.Errorf("the process sees %s", p.Version)
			}
		default:
			t.Errorf("the process has %s %s", p.Name, p.Path)
		}
	}
	if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	if found, err := player(t, "warn").Scan(t.Context(), "/archive.tar", work); err != nil || len(found.Packages) != 1 {
		t.Errorf("a warning: %+v, %v", found, err)
	}
}

func TestScanFails(t *testing.T) {
	for role, want := range map[string]string{
		"fail":          "the image is very very",
		"fail silently": "exit status 3",
		"babble":        "longer than",
		"say nothing":   "read the inventory",
	} {
		t.Run(role, func(t *testing.T) {
			work := t.TempDir()
			_, err := player(t, role).Scan(t.Context(), "/archive.tar", work)
			if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 4000 {
				t.Errorf("error %v, want %q", err, want)
			}
			if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
				t.Errorf("it leaves %v, %v", left, err)
			}
		})
	}
	if _, err := (sbom.Program{Path: "/nowhere"}).Scan(t.Context(), "/archive.tar", t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// A context that ends takes the process with it.
func TestScanIsStopped(t *testing.T) {
	folder := t.TempDir()
	archive := filepath.Join(folder, "archive.tar")
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by clean")
	ended := make(chan error, 1)
	go func() {
		_, err := player(t, "hang").Scan(ctx, archive, folder)
		ended <- err
	}()
	var process int
	await(t, func() bool {
		text, err := os.ReadFile(archive + ".pid")
		n, _ := fmt.Sscan(string(text), &process)
		return err == nil && n == 1
	})
	cancel(stopped)
	select {
	case err := <-ended:
		if !errors.Is(err, stopped) {
			t.Errorf("error %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	if err := syscall.Kill(process, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process is still there: %v", err)
	}
}

// await waits for a condition of another process.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}
