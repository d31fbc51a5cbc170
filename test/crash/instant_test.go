//go:build stack

// When the server is killed.
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

// instant is a moment in an operation: a time after its beginning, or its nth
// change of a file on the volume. The zero instant never comes.
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

// extent is how long an operation takes when nobody disturbs it.
type extent struct {
	took    time.Duration
	changes int
}

// within draws an instant: every moment of the time is as likely as any other,
// and so is every change.
func (e extent) within(random *rand.Rand) instant {
	if random.IntN(2) == 0 && e.changes > 0 {
		return instant{change: 1 + random.IntN(e.changes)}
	}
	return instant{after: 1 + time.Duration(random.Int64N(max(1, int64(e.took))))}
}

// strike is a kill that is to come.
type strike struct {
	done    chan struct{} // closed when the server was killed
	over    chan struct{} // closed to call it off
	ended   chan struct{} // closed when nothing of it runs any more
	watch   *os.File
	changes atomic.Int64 // seen so far
	began   time.Time
}

// aim arms a strike at the running server. The timer is no wait for something
// to happen: that nobody knows what happens then is what is tested.
func (env *environment) aim(t testing.TB, at instant) *strike {
	t.Helper()
	pid := env.Server.PID()
	s := &strike{done: make(chan struct{}), over: make(chan struct{}), ended: make(chan struct{})}
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
		_ = syscall.Kill(pid, syscall.SIGKILL) // one that has ended is reaped later
		close(s.done)
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

// off calls the strike off, if it has not come, and says how far the operation
// got until then.
func (s *strike) off() extent {
	took := time.Since(s.began)
	close(s.over)
	<-s.ended
	return extent{took, int(s.changes.Load())}
}

// changed are the events that count. A file that is cut to nothing counts, so
// that writing in place is caught between its two halves.
const changed = syscall.IN_CREATE | syscall.IN_MODIFY | syscall.IN_CLOSE_WRITE | syscall.IN_MOVED_TO | syscall.IN_DELETE

// folders are those of a volume that are watched: all but the scratch space.
type folders struct {
	fd    int
	paths map[int32]string
}

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

// follow calls seen at every change until watch is closed. Folders that come
// are watched too; one that is gone again by then is not there to be watched.
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
