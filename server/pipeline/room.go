package pipeline

import (
	"fmt"
	"os"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
)

// What must be free on the volume before a build begins: an eighth of it, but no
// more than this many bytes. Keys, parameters and the status are written in it
// when everything else is full.
const (
	mostReserve  = 256 << 20
	reserveShare = 8
)

// buildPerManifest is how many times the size of its manifest a build may take
// while it runs: the manifest twice, and the clone, of which it holds two copies
// compressed to a quarter or less.
const buildPerManifest = 6

// room is what a build asks of the volume, in bytes. The manifests of older builds
// go until wish is free; less than need is an error, for which none of them goes.
type room struct{ wish, need int64 }

// makeRoom keeps the limits of the history, and goes below them for the sake of
// room. The build current stays, and so does the latest success.
func (p *Pipeline) makeRoom(parameters api.Parameters, current string, asked room) (history.Trimmed, error) {
	if err := p.Volume.RequireFree(0); err != nil {
		return history.Trimmed{}, err
	}
	count, size := parameters.BuildsKept()
	trimmed, err := p.History.Trim(history.Limits{Count: count, Space: size, DesiredFree: max(asked.wish, asked.need), RequiredFree: asked.need}, current)
	if err != nil {
		return trimmed, fmt.Errorf("make room on the data volume: %w", err)
	}
	return trimmed, p.Volume.RequireFree(asked.need)
}

// makeRoomForBuild runs before a build begins: one like the latest should fit.
func (p *Pipeline) makeRoomForBuild(parameters api.Parameters) (history.Trimmed, error) {
	space, err := p.Volume.Space()
	if err != nil {
		return history.Trimmed{}, err
	}
	latest, err := p.History.LatestSuccess()
	if err != nil {
		return history.Trimmed{}, err
	}
	reserve := min(mostReserve, space.Total/reserveShare)
	return p.makeRoom(parameters, p.Slot.State().Record.ID, room{wish: latest.ManifestSize * buildPerManifest, need: reserve})
}

// makeRoomForManifest runs when the clone has taken used bytes. A manifest lies on
// the volume twice while it is signed. What can't be compressed takes twice the
// clone; without half of that the build ends here rather than behind the push.
func (b *build) makeRoomForManifest(used int64) error {
	trimmed, err := b.makeRoom(b.parameters, b.folder.ID(), room{wish: 2 * used, need: used})
	b.logTrimmed(trimmed)
	return err
}

// makeRoomForPush runs when the image is saved in the file archive. Its layers lie
// on the volume a second time, compressed, while they are uploaded.
func (b *build) makeRoomForPush(archive string) error {
	saved, err := os.Stat(archive)
	if err != nil {
		return err
	}
	trimmed, err := b.makeRoom(b.parameters, b.folder.ID(), room{wish: saved.Size()})
	b.logTrimmed(trimmed)
	return err
}

// keepLimits runs when the build has ended and is itself part of the history.
// When the volume was full, older builds make room for another try: twice of
// what was not enough.
func (b *build) keepLimits(full bool) {
	asked := room{}
	if full {
		asked.wish = 2 * b.begunWith
	}
	trimmed, err := b.makeRoom(b.parameters, b.folder.ID(), asked)
	b.logTrimmed(trimmed)
	if err != nil {
		b.log.Error("%v", err)
	}
}

func (b *build) logTrimmed(trimmed history.Trimmed) {
	for _, id := range trimmed.Removed {
		b.log.Info("removed the build of %s, to keep BUILDS_KEPT and BUILDS_KEPT_SIZE, or to make room", id)
	}
	for _, id := range trimmed.OutputsRemoved {
		b.log.Info("removed manifest and log of the build of %s, to keep BUILDS_KEPT_SIZE, or to make room", id)
	}
}
