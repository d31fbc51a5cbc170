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
	program string            // the server's; its own environment comes from its contract
	ours    map[string]bool   // names of values in that environment that are secret
	seen    map[string]string // what was looked at, by where
	found   map[string]bool
	passes  atomic.Int64 // over all of it

	stop chan struct{}
	done sync.WaitGroup
}

// every is how long the watch rests between two looks. What lives for a shorter
// time may be missed; every program of a build lives longer.
const every = 2 * time.Millisecond

func (w *watch) start() {
	w.seen, w.found, w.stop = map[string]string{}, map[string]bool{}, make(chan struct{})
	w.done.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			w.processes()
			for _, folder := range w.folders {
				w.files(folder)
			}
			w.passes.Add(1)
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			}
		}
	})
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
		w.found["/proc can't be read: "+err.Error()] = true
	}
	for _, entry := range entries {
		if entry.Name()[0] < '0' || entry.Name()[0] > '9' {
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
		version := info.ModTime().String()
		if w.seen[path] == version {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil {
			w.seen[path] = version
			w.report("file "+path, string(text))
		}
		return nil
	})
}

func (w *watch) look(where, text string) {
	if w.seen[where] != text {
		w.seen[where] = text
		w.report(where, text)
	}
}

func (w *watch) report(where, text string) {
	for _, hit := range w.search.in(text) {
		w.found[where+" shows "+hit.name+" "+hit.form] = true
	}
}
