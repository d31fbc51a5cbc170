package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/volume"
)

// Builds is the history of one volume. It is safe for concurrent use.
type Builds struct {
	volume *volume.Volume

	mu    sync.Mutex
	known map[string]build // by id
}

// build is what is kept of one build.
type build struct {
	api.Build
	mark  volume.Mark
	large int64 // bytes that go when it loses its log and manifest
}

// Open reads the history of a volume.
func Open(v *volume.Volume) (*Builds, error) {
	b := &Builds{volume: v, known: map[string]build{}}
	if _, err := b.all(); err != nil {
		return nil, fmt.Errorf("read the history of builds: %w", err)
	}
	// Most of what was read is not kept, and an enclave's memory is small.
	debug.FreeOSMemory()
	return b, nil
}

// List returns the builds that began before the one with the id before, or the
// latest ones when that is empty: newest first, limit of them at most. more says
// that there are older ones. A build that still runs is listed as far as it is
// known, which is by its id.
func (b *Builds) List(before string, limit int) (page []api.Build, more bool, err error) {
	ids, err := b.volume.Builds()
	if err != nil {
		return nil, false, err
	}
	if before != "" {
		at, found := slices.BinarySearchFunc(ids, before, func(id, before string) int { return strings.Compare(before, id) })
		if found {
			at++
		}
		ids = ids[at:]
	}
	if len(ids) > limit {
		ids, more = ids[:limit], true
	}
	page = make([]api.Build, 0, len(ids))
	err = b.each(ids, func(known build) bool {
		page = append(page, known.Build)
		return true
	})
	return page, more, err
}

// LatestSuccess is the latest build that succeeded; it has no id when none has.
func (b *Builds) LatestSuccess() (latest api.Build, err error) {
	ids, err := b.volume.Builds()
	if err != nil {
		return api.Build{}, err
	}
	err = b.each(ids, func(known build) bool {
		if known.Status == api.StatusSuccess {
			latest = known.Build
		}
		return latest.ID == ""
	})
	return latest, err
}

// all is the whole history, newest first; it forgets what is gone.
func (b *Builds) all() ([]build, error) {
	ids, err := b.volume.Builds()
	if err != nil {
		return nil, err
	}
	all := make([]build, 0, len(ids))
	err = b.each(ids, func(known build) bool {
		all = append(all, known)
		return true
	})
	b.forgetOthers(all)
	return all, err
}

func (b *Builds) forgetOthers(all []build) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) <= len(all) {
		return
	}
	there := make(map[string]bool, len(all))
	for _, known := range all {
		there[known.ID] = true
	}
	maps.DeleteFunc(b.known, func(id string, _ build) bool { return !there[id] })
}

// forget has a build read again: its record stays as it is, its files do not.
func (b *Builds) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, id)
}

// each calls show for each build as it is now, until show returns false. A
// build that is removed meanwhile is left out.
func (b *Builds) each(ids []string, show func(build) bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		current, err := b.currentLocked(id)
		if errors.Is(err, fs.ErrNotExist) {
			delete(b.known, id)
			continue
		}
		if err != nil {
			return err
		}
		if !show(current) {
			break
		}
	}
	return nil
}

func (b *Builds) currentLocked(id string) (build, error) {
	mark, err := b.volume.Mark(id)
	if errors.Is(err, fs.ErrNotExist) {
		return b.read(id) // it has no record yet, and is not worth keeping
	}
	if err != nil {
		return build{}, err
	}
	known, ok := b.known[id]
	if ok && known.mark == mark {
		return known, nil
	}
	// What changes from here on changes the mark too.
	if known, err = b.read(id); err != nil {
		return build{}, err
	}
	known.mark = mark
	b.known[id] = known
	return known, nil
}

// read reads one folder. A record that can't be read is no error: the build has
// a problem then, which names it.
func (b *Builds) read(id string) (build, error) {
	folder, err := b.volume.Build(id)
	if err != nil {
		return build{}, err
	}
	contents, err := folder.Contents()
	if err != nil {
		return build{}, err
	}
	known := build{large: contents.Large}
	record, err := folder.Record()
	switch {
	case errors.Is(err, fs.ErrNotExist): // it runs
	case err != nil:
		known.Problem = err.Error()
	default:
		if known.Build, err = summary(record); err != nil {
			known.Problem = fmt.Sprintf("record.json of build %s is none of this server: %v", id, err)
		}
	}
	known.ID = id
	known.Size, known.ManifestSize = contents.Space, contents.Manifest
	known.Manifest = contents.Manifest > 0
	return known, nil
}

// summary takes what is listed out of a record.
func summary(record []byte) (api.Build, error) {
	var from struct {
		ID          string    `json:"id"`
		Status      string    `json:"status"`
		BuildName   string    `json:"build_name"`
		Repository  string    `json:"repository"`
		ImageDigest string    `json:"image_digest"`
		Started     time.Time `json:"started"`
		Finished    time.Time `json:"finished"`
	}
	if err := json.Unmarshal(record, &from); err != nil {
		return api.Build{}, err
	}
	listed := api.Build{
		ID: from.ID, BuildName: from.BuildName, Status: from.Status,
		Started: from.Started, Finished: from.Finished,
	}
	if from.ImageDigest != "" {
		listed.Image = from.Repository + "@" + from.ImageDigest
	}
	return listed, nil
}
