//go:build stack

package secrets

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// watch looks at what is there only for a while: the arguments and environments
// of all processes of the machine, and the files below some folders.
type watch struct {
	search  *search
	folders []string
	program string          // the server's; its own environment comes from its contract
	ours    map[string]bool // names of values in that environment that are secret
	stop    chan struct{}
	done    sync.WaitGroup
	passes  []*atomic.Int64 // how often each place was looked at

	looks map[string]int // at each process, by its id

	mu    sync.Mutex
	seen  map[string]string // what was looked at, by where
	found map[string]bool
}

const (
	// every is how long the watch rests between two looks. What lives for a
	// shorter time may be missed; every program of a build lives longer.
	every = 2 * time.Millisecond

	// A process becomes another program soon after it began, or not at all: after
	// so many looks one in later is enough.
	young, later = 50, 64
)

func (w *watch) start() {
	w.seen, w.looks, w.found, w.stop = map[string]string{}, map[string]int{}, map[string]bool{}, make(chan struct{})
	w.over(w.processes)
	for _, folder := range w.folders {
		w.over(func() { w.files(folder) })
	}
}

// over looks over and over again.
func (w *watch) over(look func()) {
	passes := new(atomic.Int64)
	w.passes = append(w.passes, passes)
	w.done.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			look()
			passes.Add(1)
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			}
		}
	})
}

// passed returns how often all processes and all folders were looked at.
func (w *watch) passed() int64 {
	least := w.passes[0].Load()
	for _, passes := range w.passes {
		least = min(least, passes.Load())
	}
	return least
}

// end stops the watch and returns what it found.
func (w *watch) end() map[string]bool {
	close(w.stop)
	w.done.Wait()
	return w.found
}

func (w *watch) processes() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.add("/proc can't be read: " + err.Error())
	}
	for _, entry := range entries {
		if entry.Name()[0] < '0' || entry.Name()[0] > '9' {
			continue
		}
		if w.looks[entry.Name()]++; w.looks[entry.Name()] > young && w.looks[entry.Name()]%later != 0 {
			continue
		}
		// An error: it has ended, or belongs to the kernel.
		arguments, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		environment, _ := os.ReadFile("/proc/" + entry.Name() + "/environ")
		line := strings.ReplaceAll(string(arguments), "\x00", " ")
		shown := string(environment)
		if line == w.program+" " {
			// The server, or a child that has not become another program yet.
			shown = w.withoutOurs(shown)
		}
		w.look("arguments of "+line, string(arguments))
		w.look("environment of "+line, shown)
	}
}

// withoutOurs leaves out what the server's contract gives to it that way.
func (w *watch) withoutOurs(environment string) string {
	var rest []string
	for entry := range strings.SplitSeq(environment, "\x00") {
		if name, _, _ := strings.Cut(entry, "="); !w.ours[name] {
			rest = append(rest, entry)
		}
	}
	return strings.Join(rest, "\x00")
}

// maxWatched is the size up to which a file is looked at while it changes.
const maxWatched = 16 << 20

func (w *watch) files(folder string) {
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // it is gone already
		}
		info, err := entry.Info()
		if err != nil || info.Size() > maxWatched {
			return nil
		}
		if !w.changed(path, info.ModTime().String()) {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil {
			w.report("file "+path, string(text))
		}
		return nil
	})
}

func (w *watch) look(where, text string) {
	if w.changed(where, text) {
		w.report(where, text)
	}
}

// changed notes how a thing is, and tells whether it was different before.
func (w *watch) changed(where, now string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.seen[where]
	w.seen[where] = now
	return !known || before != now
}

func (w *watch) report(where, text string) {
	for _, hit := range w.search.in(text) {
		w.add(where + " shows " + hit.name + " " + hit.form)
	}
}

func (w *watch) add(finding string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found[finding] = true
}
