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

// watch searches what exists only temporarily: the arguments and environments of all
// processes of the machine, and the files below some folders.
type watch struct {
	search  *search
	folders []string
	program string          // the server's executable; its environment comes from its contract
	ours    map[string]bool // names of secret variables of that environment
	stop    chan struct{}
	done    sync.WaitGroup
	passes  []*atomic.Int64 // completed passes over the processes and over each folder

	reads map[string]int // how often each process was read, by its id

	mu    sync.Mutex
	seen  map[string]string // what was searched last, by where it was found
	found map[string]bool
}

const (
	// every is the time between two passes. What exists for a shorter time may be
	// missed; every program of a build runs longer.
	every = 2 * time.Millisecond

	// A process executes another program soon after its start, or not at all: after
	// young passes it is read in every later-th pass only.
	young, later = 50, 64
)

func (w *watch) start() {
	w.seen, w.reads, w.found, w.stop = map[string]string{}, map[string]int{}, map[string]bool{}, make(chan struct{})
	w.repeat(w.processes)
	for _, folder := range w.folders {
		w.repeat(func() { w.files(folder) })
	}
}

// repeat starts a goroutine that calls pass until the watch ends.
func (w *watch) repeat(pass func()) {
	passes := new(atomic.Int64)
	w.passes = append(w.passes, passes)
	w.done.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			pass()
			passes.Add(1)
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			}
		}
	})
}

// passed returns the number of passes that were completed over all processes and all
// folders.
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

// processes searches the arguments and the environment of each process.
func (w *watch) processes() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.add("/proc can't be read: " + err.Error())
	}
	for _, entry := range entries {
		if entry.Name()[0] < '0' || entry.Name()[0] > '9' {
			continue
		}
		if w.reads[entry.Name()]++; w.reads[entry.Name()] > young && w.reads[entry.Name()]%later != 0 {
			continue
		}
		// An error means that it has ended, or that it belongs to the kernel.
		arguments, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		environment, _ := os.ReadFile("/proc/" + entry.Name() + "/environ")
		line := strings.ReplaceAll(string(arguments), "\x00", " ")
		shown := string(environment)
		if line == w.program+" " {
			// The server, or a child that has not executed another program yet.
			shown = w.withoutOurs(shown)
		}
		w.check("arguments of "+line, string(arguments))
		w.check("environment of "+line, shown)
	}
}

// withoutOurs removes the secret variables that the server's contract sets.
func (w *watch) withoutOurs(environment string) string {
	var rest []string
	for entry := range strings.SplitSeq(environment, "\x00") {
		if name, _, _ := strings.Cut(entry, "="); !w.ours[name] {
			rest = append(rest, entry)
		}
	}
	return strings.Join(rest, "\x00")
}

// maxWatched is the maximum size of a file that is searched while it changes.
const maxWatched = 16 << 20

// files searches the files of a folder that changed.
func (w *watch) files(folder string) {
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // it was removed meanwhile
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

// check searches a text unless it is the same as before.
func (w *watch) check(where, text string) {
	if w.changed(where, text) {
		w.report(where, text)
	}
}

// changed stores a text or version, and reports whether it differs from the last one.
func (w *watch) changed(where, now string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.seen[where]
	w.seen[where] = now
	return !known || before != now
}

// report adds a finding for each secret in a text.
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
