package history

import (
	"errors"
	"io/fs"
	"maps"
)

// size is the space that a build occupies on the disk.
type size struct {
	id    string
	all   int64 // bytes
	large int64 // bytes of all that removing its log and manifest frees
}

// sizes returns the size of each of the builds. It reads only the folders of builds
// that are not cached: all of them once, and later the running build and new ones.
// It removes the cache entries of builds that no longer exist.
func (b *Builds) sizes(ids []string) ([]size, error) {
	sizes := make([]size, 0, len(ids))
	for _, id := range ids {
		known, err := b.size(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, known)
	}
	b.forgetOthers(sizes)
	return sizes, nil
}

func (b *Builds) size(id string) (size, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.known[id]
	if !ok {
		folder, err := b.folders.Open(id)
		if err != nil {
			return size{}, err
		}
		_, unfinished := b.folders.RecordStamp(id)
		if known, err = measure(folder); err != nil {
			return size{}, err
		}
		if unfinished == nil { // a build that has a record no longer grows
			b.known[id] = known
		}
	}
	return size{id, known.Size, known.large}, nil
}

func (b *Builds) forgetOthers(there []size) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) <= len(there) {
		return
	}
	ids := make(map[string]bool, len(there))
	for _, known := range there {
		ids[known.id] = true
	}
	maps.DeleteFunc(b.known, func(id string, _ build) bool { return !ids[id] })
}
