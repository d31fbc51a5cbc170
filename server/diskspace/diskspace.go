package diskspace

import (
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/volume"
)

// ForBuild requires an eighth of the volume to be free, but at most this many bytes:
// keys, parameters and the status are written there when everything else is full.
const (
	maxReserve   = 256 << 20
	reserveShare = 8
)

// buildPerManifest estimates how much a running build writes, as a multiple of the
// size of its manifest: the manifest twice, and the clone, of which the manifest
// contains two copies, compressed to a quarter or less.
const buildPerManifest = 6

// Volume is the data volume.
type Volume interface {
	Space() (volume.Space, error)
	RequireFree(bytes int64) error // a *volume.UnwritableError when fewer are free
}

// History removes older builds.
type History interface {
	LatestSuccess() (api.Build, error)
	Trim(limits history.Limits, current string) (history.Trimmed, error)
}

// Reserver reserves space on one volume. Its methods must not be called concurrently.
type Reserver struct {
	Volume  Volume
	History History
}

// Keep limits how much of the history is kept, and names the build that stays in it.
type Keep struct {
	Count   int    // BUILDS_KEPT
	Size    int64  // BUILDS_KEPT_SIZE, in bytes
	Current string // the running or latest build, by id
}

// ForBuild is called before a build begins: one as large as the latest success should
// fit, and the reserve must be free.
func (r Reserver) ForBuild(keep Keep) (history.Trimmed, error) {
	space, err := r.Volume.Space()
	if err != nil {
		return history.Trimmed{}, err
	}
	latest, err := r.History.LatestSuccess()
	if err != nil {
		return history.Trimmed{}, err
	}
	reserve := min(maxReserve, space.Total/reserveShare)
	return r.reserve(keep, latest.ManifestSize*buildPerManifest, reserve)
}

// ForManifest is called when the clone has taken that many bytes. While a manifest is
// signed it is on the volume twice, which takes twice the clone if nothing in it can
// be compressed. Half of that must be free, so that the build fails before the push.
func (r Reserver) ForManifest(keep Keep, clone int64) (history.Trimmed, error) {
	return r.reserve(keep, 2*clone, clone)
}

// ForPush is called when the image is saved in an archive of that many bytes. While
// its layers are uploaded they are on the volume a second time, compressed.
func (r Reserver) ForPush(keep Keep, archive int64) (history.Trimmed, error) {
	return r.reserve(keep, archive, 0)
}

// AfterBuild is called when a build has ended and is part of the history: it applies
// the limits. After a build that found the volume full, failedWith is how many bytes
// were free when it began, and older builds are removed until twice as many are free
// for the next attempt. Otherwise it is 0.
func (r Reserver) AfterBuild(keep Keep, failedWith int64) (history.Trimmed, error) {
	return r.reserve(keep, 2*failedWith, 0)
}

// reserve applies the limits of the history, and removes the outputs of older builds
// until desired bytes are free. Fewer than required free bytes are an error; if they
// can't be freed, nothing is removed for their sake.
func (r Reserver) reserve(keep Keep, desired, required int64) (history.Trimmed, error) {
	if err := r.Volume.RequireFree(0); err != nil {
		return history.Trimmed{}, err
	}
	limits := history.Limits{Count: keep.Count, Space: keep.Size, DesiredFree: max(desired, required), RequiredFree: required}
	trimmed, err := r.History.Trim(limits, keep.Current)
	if err != nil {
		return trimmed, fmt.Errorf("remove old builds to free space on the data volume: %w", err)
	}
	return trimmed, r.Volume.RequireFree(required)
}
