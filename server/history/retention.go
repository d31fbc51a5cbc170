package history

import (
	"errors"
	"io/fs"
	"slices"
)

// Limits bounds how much is kept.
type Limits struct {
	Count int   // finished builds
	Space int64 // bytes that all builds occupy

	// DesiredFree is how many bytes should be free on the volume, and RequiredFree
	// how many of them must be. Where RequiredFree can't be reached, nothing is
	// removed to reach DesiredFree.
	DesiredFree, RequiredFree int64
}

// Trimmed lists what Trim removed, by id.
type Trimmed struct {
	Removed        []string // completely
	OutputsRemoved []string // log and manifest; record and key are still there
}

// Trim removes builds and files, the oldest first, until the limits are met: whole
// builds while there are more than Count, then logs and manifests while the builds
// occupy more than Space or less than DesiredFree is free, and finally whole builds
// while they still occupy more than Space. It never changes the latest success and
// the build current, so the limits may still be exceeded when it returns. It must
// not be called concurrently.
func (b *Builds) Trim(limits Limits, current string) (Trimmed, error) {
	ids, err := b.folders.IDs()
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
	oldest []size // candidates for removal, subject to refresh
	count  int    // of all builds
	space  int64  // bytes that all builds occupy
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

// scarce reports whether less than DesiredFree is free.
func (t *trim) scarce() (bool, error) {
	space, err := t.builds.space()
	return space.Free < t.limits.DesiredFree, err
}

// worthwhile reports whether RequiredFree can be reached by removing logs and
// manifests.
func (t *trim) worthwhile() (bool, error) {
	space, err := t.builds.space()
	if err != nil {
		return false, err
	}
	reachable := space.Free
	for i := range t.oldest {
		if reachable >= t.limits.RequiredFree {
			break
		}
		if removable, err := t.refresh(&t.oldest[i]); err != nil {
			return false, err
		} else if removable {
			reachable += t.oldest[i].large
		}
	}
	return reachable >= t.limits.RequiredFree, nil
}

func (t *trim) removeOldest() error {
	known := t.oldest[0]
	t.oldest = t.oldest[1:]
	removable, err := t.refresh(&known)
	if err != nil || !removable {
		return err
	}
	folder, err := t.builds.folders.Open(known.id)
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
	removable, err := t.refresh(known)
	if err != nil || !removable {
		return err
	}
	folder, err := t.builds.folders.Open(known.id)
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

// refresh reads a build again, because it may have changed since its size was
// cached, corrects the totals, and reports whether the build can be removed.
func (t *trim) refresh(known *size) (removable bool, err error) {
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
	// A damaged build is kept: an operator may still restore its record.
	return !gone && now.Problem == "", nil
}
