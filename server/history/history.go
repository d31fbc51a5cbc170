package history

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/volume"
)

// Folders are the folders of all builds. volume.Builds implements it.
type Folders interface {
	IDs() ([]string, error) // newest first
	Open(id string) (volume.Build, error)
	RecordStamp(id string) (volume.Stamp, error)
}

// Builds is the history of one volume. It is safe for concurrent use.
type Builds struct {
	folders Folders
	space   func() (volume.Space, error) // of the volume

	mu    sync.Mutex
	known map[string]build // by id
}

// build is the cache entry of one build that has a record.
type build struct {
	api.Build
	stamp volume.Stamp // of the record when it was read; zero when only sizes are known
	large int64        // bytes that removing its log and manifest frees
}

// New returns the history of the builds in folders, which are on the volume whose free
// space the function space returns. It does not read the volume yet.
func New(folders Folders, space func() (volume.Space, error)) *Builds {
	return &Builds{folders: folders, space: space, known: map[string]build{}}
}

// List returns the builds that began before the one with the id before, or the
// latest ones when that is empty: newest first, at most limit of them. more
// reports whether there are older ones. A running build has no record yet and is
// listed with its id and sizes only.
func (b *Builds) List(before string, limit int) (page []api.Build, more bool, err error) {
	ids, err := b.folders.IDs()
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

// LatestSuccess returns the latest build that succeeded, or a zero Build when none
// has.
func (b *Builds) LatestSuccess() (api.Build, error) {
	ids, err := b.folders.IDs()
	if err != nil {
		return api.Build{}, err
	}
	return b.latestSuccess(ids)
}

func (b *Builds) latestSuccess(ids []string) (latest api.Build, err error) {
	err = b.each(ids, func(known build) bool {
		if known.Status == api.StatusSuccess {
			latest = known.Build
		}
		return latest.ID == ""
	})
	return latest, err
}

// Unfinished returns the ids of the builds that have no record, newest first: the
// running build, and those that a crash interrupted.
func (b *Builds) Unfinished() (unfinished []string, err error) {
	ids, err := b.folders.IDs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		_, err := b.folders.RecordStamp(id)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			unfinished = append(unfinished, id)
		case err != nil:
			return nil, err
		}
	}
	return unfinished, nil
}

// forget removes a build from the cache, so that it is read again: its record has
// not changed, but its other files have.
func (b *Builds) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, id)
}

// each calls show with the current state of each build, until show returns false.
// It skips a build that is removed meanwhile.
func (b *Builds) each(ids []string, show func(build) bool) error {
	for _, id := range ids {
		now, err := b.current(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !show(now) {
			break
		}
	}
	return nil
}

// current returns the current state of a build. The error wraps fs.ErrNotExist
// when there is no such build. It holds the lock while it reads, so that it can't
// put an entry that forget removes meanwhile back into the cache.
func (b *Builds) current(id string) (build, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	stamp, err := b.folders.RecordStamp(id)
	if errors.Is(err, fs.ErrNotExist) {
		delete(b.known, id)
		return b.read(id) // it has no record yet, and is not cached
	}
	if err != nil {
		return build{}, err
	}
	known, ok := b.known[id]
	if ok && known.stamp == stamp {
		return known, nil
	}
	// Every later change of the record changes the stamp too.
	if known, err = b.read(id); err != nil {
		return build{}, err
	}
	known.stamp = stamp
	b.known[id] = known
	return known, nil
}

// read returns a build as read from its folder. A record that can't be read is no
// error: it is described in the Problem of the build.
func (b *Builds) read(id string) (build, error) {
	folder, err := b.folders.Open(id)
	if err != nil {
		return build{}, err
	}
	known, err := measure(folder)
	if err != nil {
		return build{}, err
	}
	content, err := folder.Record()
	switch {
	case errors.Is(err, fs.ErrNotExist): // the build is running
	case err != nil:
		known.Problem = err.Error()
	default:
		if err := summarize(content, &known.Build); err != nil {
			known.Problem = fmt.Sprintf("record.json of build %s is none of this server: %v", id, err)
		}
	}
	return known, nil
}

// measure returns the values of a build that are known without its record.
func measure(folder volume.Build) (build, error) {
	contents, err := folder.Contents()
	if err != nil {
		return build{}, err
	}
	return build{
		Build: api.Build{
			ID: folder.ID(), Size: contents.Space,
			Manifest: contents.Manifest > 0, ManifestSize: contents.Manifest,
		},
		large: contents.Large,
	}, nil
}

// summarize copies the listed values of a record to a build.
func summarize(content []byte, listed *api.Build) error {
	from, err := record.DecodeSummary(content)
	if err != nil {
		return err
	}
	listed.Status, listed.BuildName = from.Status, from.BuildName
	listed.Started, listed.Finished = from.Started, from.Finished
	if from.ImageDigest != "" {
		listed.Image = from.Repository + "@" + from.ImageDigest
	}
	return nil
}
