//go:build stack

package crash

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// instant is a moment in an operation: a time after its start, or its nth change of a
// file on the volume. The zero value is after the end of the operation.
type instant struct {
	after  time.Duration
	change int
}

func (i instant) String() string {
	switch {
	case i.change > 0:
		return fmt.Sprintf("at change %d", i.change)
	case i.after > 0:
		return fmt.Sprintf("after %v", i.after.Round(time.Microsecond))
	}
	return "at its end"
}

// extent is the time that an operation takes and the changes that it makes.
type extent struct {
	took    time.Duration
	changes int
}

// within draws an instant. Every moment is equally likely, and so is every change.
func (e extent) within(random *rand.Rand) instant {
	if random.IntN(2) == 0 && e.changes > 0 {
		return instant{change: 1 + random.IntN(e.changes)}
	}
	return instant{after: 1 + time.Duration(random.Int64N(max(1, int64(e.took))))}
}

// pendingKill kills the server at an instant.
type pendingKill struct {
	over    chan struct{} // closed to disarm it
	ended   chan struct{} // closed when its goroutines have ended
	watch   *os.File
	changes atomic.Int64 // so far
	began   time.Time
}

// arm returns a pendingKill of the running server. Its timer does not wait for an
// event: the state of the server at a random time is what is tested.
func (env *environment) arm(t testing.TB, at instant) *pendingKill {
	t.Helper()
	pid := env.Server.PID()
	s := &pendingKill{over: make(chan struct{}), ended: make(chan struct{})}
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	s.watch = os.NewFile(uintptr(fd), "inotify")
	folders := &folders{fd: fd, paths: map[int32]string{}}
	if err := folders.add(env.Server.Volume()); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // a process that has ended is reaped later
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		folders.follow(s.watch, func() {
			if s.changes.Add(1) == int64(at.change) {
				kill()
			}
		})
	}()
	s.began = time.Now()
	go func() {
		defer close(s.ended)
		defer func() { <-watched }()
		defer s.watch.Close()
		if at.after == 0 {
			<-s.over
			return
		}
		timer := time.NewTimer(at.after)
		defer timer.Stop()
		select {
		case <-timer.C:
			kill()
			<-s.over
		case <-s.over:
		}
	}()
	return s
}

// disarm cancels the kill unless it was done, and returns the extent that the operation
// has reached.
func (s *pendingKill) disarm() extent {
	took := time.Since(s.began)
	close(s.over)
	<-s.ended
	return extent{took, int(s.changes.Load())}
}

// changed are the events that count as changes. Truncation of a file is one of them, so
// that a file which is written in place is found truncated.
const changed = syscall.IN_CREATE | syscall.IN_MODIFY | syscall.IN_CLOSE_WRITE | syscall.IN_MOVED_TO | syscall.IN_DELETE

// folders are the watched folders of a volume: all but the one of temporary files.
type folders struct {
	fd    int
	paths map[int32]string
}

// add watches a folder and those in it.
func (f *folders) add(top string) error {
	return filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if entry.Name() == "work" {
			return fs.SkipDir
		}
		watch, err := syscall.InotifyAddWatch(f.fd, path, changed|syscall.IN_ONLYDIR)
		if err != nil {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		f.paths[int32(watch)] = path
		return nil
	})
}

// follow calls seen for every change until watch is closed. New folders are watched
// too, unless they were already removed.
func (f *folders) follow(watch *os.File, seen func()) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := watch.Read(buffer)
		if err != nil {
			return
		}
		for rest := buffer[:n]; len(rest) >= syscall.SizeofInotifyEvent; {
			watch := int32(binary.NativeEndian.Uint32(rest))
			mask := binary.NativeEndian.Uint32(rest[4:])
			size := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(rest[12:]))
			name := strings.TrimRight(string(rest[syscall.SizeofInotifyEvent:size]), "\x00")
			rest = rest[size:]
			if mask&changed != 0 {
				seen()
			}
			if mask&syscall.IN_CREATE != 0 && mask&syscall.IN_ISDIR != 0 && name != "work" {
				_ = f.add(filepath.Join(f.paths[watch], name))
			}
		}
	}
}
