package history

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/opensbs/sbs/api"
)

// Limits is how much is kept.
type Limits struct {
	Count int   // finished builds
	Space int64 // bytes that all builds take

	// Free is how many bytes should be free on the volume, and Need how many of
	// them must be: where less can be had, nothing goes for the sake of Free.
	Free, Need int64
}

// Trimmed is what Trim removed, by id.
type Trimmed struct {
	Removed  []string // wholly
	Stripped []string // log and manifest; record and key are still there
}

// Trim removes until the limits are kept, the oldest first: builds wholly while
// there are more than Count, then logs and manifests while the builds take more
// than Space or less than Free is free, and at last builds wholly while they still
// take more than Space. The latest success and the build current are never
// touched, so the limits may still be exceeded when it returns. One caller at a
// time.
func (b *Builds) Trim(limits Limits, current string) (Trimmed, error) {
	all, err := b.all()
	if err != nil {
		return Trimmed{}, err
	}
	t := trim{builds: b, limits: limits, count: len(all)}
	latest := slices.IndexFunc(all, func(known build) bool { return known.Status == api.StatusSuccess })
	for i, known := range slices.Backward(all) {
		t.space += known.Size
		// One that someone may still mend is not ours to remove.
		if i != latest && known.ID != current && known.Problem == "" {
			t.oldest = append(t.oldest, known)
		}
	}
	err = t.run()
	return t.done, err
}

// trim is one run of Trim.
type trim struct {
	builds *Builds
	limits Limits
	oldest []build // that may go
	count  int     // of all builds
	space  int64   // bytes that all builds take
	done   Trimmed
}

func (t *trim) run() error {
	for len(t.oldest) > 0 && t.count > t.limits.Count {
		if err := t.removeOldest(); err != nil {
			return err
		}
	}
	if err := t.stripOldest(); err != nil {
		return err
	}
	for len(t.oldest) > 0 && t.space > t.limits.Space {
		if err := t.removeOldest(); err != nil {
			return err
		}
	}
	return nil
}

func (t *trim) stripOldest() error {
	space, err := t.builds.volume.Space()
	if err != nil {
		return err
	}
	reachable := space.Free
	for _, known := range t.oldest {
		reachable += known.large
	}
	for i := range t.oldest {
		scarce := space.Free < t.limits.Free && reachable >= t.limits.Need
		if t.space <= t.limits.Space && !scarce {
			return nil
		}
		if err := t.strip(&t.oldest[i]); err != nil {
			return err
		}
		if space, err = t.builds.volume.Space(); err != nil {
			return err
		}
	}
	return nil
}

func (t *trim) removeOldest() error {
	known := t.oldest[0]
	t.oldest = t.oldest[1:]
	folder, err := t.builds.volume.Build(known.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = folder.Remove()
	}
	if err != nil {
		return err
	}
	t.count--
	t.space -= known.Size
	t.done.Removed = append(t.done.Removed, known.ID)
	return nil
}

func (t *trim) strip(known *build) error {
	if known.large == 0 {
		return nil
	}
	folder, err := t.builds.volume.Build(known.ID)
	if err == nil {
		err = folder.Strip()
	}
	if err != nil {
		return err
	}
	t.builds.forget(known.ID)
	t.space -= known.large
	known.Size -= known.large
	t.done.Stripped = append(t.done.Stripped, known.ID)
	return nil
}
