package history

import (
	"errors"
	"io/fs"
	"slices"
)

// Limits is how much is kept.
type Limits struct {
	Count int   // finished builds
	Space int64 // bytes that all builds take

	// Free is how many bytes should be free on the volume, and Need how many of
	// them must be: where less can be had, nothing goes for the sake of Free.
	DesiredFree, RequiredFree int64
}

// Trimmed is what Trim removed, by id.
type Trimmed struct {
	Removed        []string // wholly
	OutputsRemoved []string // log and manifest; record and key are still there
}

// Trim removes until the limits are kept, the oldest first: builds wholly while
// there are more than Count, then logs and manifests while the builds take more
// than Space or less than Free is free, and at last builds wholly while they still
// take more than Space. The latest success and the build current are never
// touched, so the limits may still be exceeded when it returns. One caller at a
// time.
func (b *Builds) Trim(limits Limits, current string) (Trimmed, error) {
	ids, err := b.volume.Builds()
	if err != nil {
		return Trimmed{}, err
	}
	sizes, err := b.sizes(ids)
	if err != nil {
		return Trimmed{}, err
	}
	latest, err := b.latestSuccess(ids)
	if err != nil {
		return Trimmed{}, err
	}
	t := trim{builds: b, limits: limits, count: len(sizes)}
	for _, known := range sizes {
		t.space += known.all
	}
	slices.Reverse(sizes)
	t.oldest = slices.DeleteFunc(sizes, func(known size) bool { return known.id == latest.ID || known.id == current })
	err = t.run()
	return t.done, err
}

// trim is one run of Trim.
type trim struct {
	builds *Builds
	limits Limits
	oldest []size // that may go, when look agrees
	count  int    // of all builds
	space  int64  // bytes that all builds take
	done   Trimmed
}

func (t *trim) run() error {
	for len(t.oldest) > 0 && t.count > t.limits.Count {
		if err := t.removeOldest(); err != nil {
			return err
		}
	}
	if err := t.removeOldestOutputs(); err != nil {
		return err
	}
	for len(t.oldest) > 0 && t.space > t.limits.Space {
		if err := t.removeOldest(); err != nil {
			return err
		}
	}
	return nil
}

func (t *trim) removeOldestOutputs() error {
	scarce, err := t.scarce()
	if err != nil {
		return err
	}
	if scarce {
		if scarce, err = t.worthwhile(); err != nil {
			return err
		}
	}
	for i := range t.oldest {
		if t.space <= t.limits.Space && !scarce {
			return nil
		}
		if t.oldest[i].large == 0 {
			continue
		}
		if err := t.removeOutputs(&t.oldest[i]); err != nil {
			return err
		}
		if scarce {
			if scarce, err = t.scarce(); err != nil {
				return err
			}
		}
	}
	return nil
}

// scarce reports whether less is free than should be.
func (t *trim) scarce() (bool, error) {
	space, err := t.builds.volume.Space()
	return space.Free < t.limits.DesiredFree, err
}

// worthwhile reports whether what must be free can be had.
func (t *trim) worthwhile() (bool, error) {
	space, err := t.builds.volume.Space()
	if err != nil {
		return false, err
	}
	reachable := space.Free
	for i := range t.oldest {
		if reachable >= t.limits.RequiredFree {
			break
		}
		if mayGo, err := t.look(&t.oldest[i]); err != nil {
			return false, err
		} else if mayGo {
			reachable += t.oldest[i].large
		}
	}
	return reachable >= t.limits.RequiredFree, nil
}

func (t *trim) removeOldest() error {
	known := t.oldest[0]
	t.oldest = t.oldest[1:]
	mayGo, err := t.look(&known)
	if err != nil || !mayGo {
		return err
	}
	folder, err := t.builds.volume.Build(known.id)
	if err == nil {
		err = folder.Remove()
	}
	if err != nil {
		return err
	}
	t.builds.forget(known.id)
	t.count--
	t.space -= known.all
	t.done.Removed = append(t.done.Removed, known.id)
	return nil
}

func (t *trim) removeOutputs(known *size) error {
	mayGo, err := t.look(known)
	if err != nil || !mayGo {
		return err
	}
	folder, err := t.builds.volume.Build(known.id)
	if err == nil {
		err = folder.RemoveOutputs()
	}
	if err != nil {
		return err
	}
	t.builds.forget(known.id)
	t.space -= known.large
	known.all, known.large = known.all-known.large, 0
	t.done.OutputsRemoved = append(t.done.OutputsRemoved, known.id)
	return nil
}

// look looks at a build on the volume, where it may not be any more what Trim took
// it for, counts it as it is, and reports whether it may go.
func (t *trim) look(known *size) (mayGo bool, err error) {
	now, err := t.builds.current(known.id)
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return false, err
	}
	t.space += now.Size - known.all
	known.all, known.large = now.Size, now.large
	if gone {
		t.count--
	}
	// One that someone may still mend is not ours to remove.
	return !gone && now.Problem == "", nil
}
