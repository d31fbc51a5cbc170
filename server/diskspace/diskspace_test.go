package diskspace

import (
	"errors"
	"syscall"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/volume"
)

const mebibyte = 1 << 20

// fakes are a volume and a history. Trim frees freeable bytes.
type fakes struct {
	space    volume.Space
	latest   api.Build
	freeable int64
	failure  error // of Trim

	limits  history.Limits
	current string
}

func (f *fakes) Space() (volume.Space, error) { return f.space, nil }

func (f *fakes) RequireFree(bytes int64) error {
	switch {
	case f.space.ReadOnly:
		return syscall.EROFS
	case f.space.Free < bytes:
		return syscall.ENOSPC
	}
	return nil
}

func (f *fakes) LatestSuccess() (api.Build, error) { return f.latest, nil }

func (f *fakes) Trim(limits history.Limits, current string) (history.Trimmed, error) {
	f.limits, f.current = limits, current
	f.space.Free += f.freeable
	return history.Trimmed{Removed: []string{"old"}}, f.failure
}

// TestReservations checks how much each part of a build reserves.
func TestReservations(t *testing.T) {
	keep := Keep{Count: 3, Size: 1000 * mebibyte, Current: "now"}
	large := volume.Space{Free: 8000 * mebibyte, Total: 8000 * mebibyte}
	for name, test := range map[string]struct {
		space             volume.Space
		reserve           func(Reserver) (history.Trimmed, error)
		desired, required int64
	}{
		"build":               {large, func(r Reserver) (history.Trimmed, error) { return r.ForBuild(keep) }, 600 * mebibyte, 256 * mebibyte},
		"build, small volume": {volume.Space{Free: 800 * mebibyte, Total: 800 * mebibyte}, func(r Reserver) (history.Trimmed, error) { return r.ForBuild(keep) }, 600 * mebibyte, 100 * mebibyte},
		"manifest":            {large, func(r Reserver) (history.Trimmed, error) { return r.ForManifest(keep, 50*mebibyte) }, 100 * mebibyte, 50 * mebibyte},
		"push":                {large, func(r Reserver) (history.Trimmed, error) { return r.ForPush(keep, 50*mebibyte) }, 50 * mebibyte, 0},
		"after a build":       {large, func(r Reserver) (history.Trimmed, error) { return r.AfterBuild(keep, 0) }, 0, 0},
		"after a full volume": {large, func(r Reserver) (history.Trimmed, error) { return r.AfterBuild(keep, 70*mebibyte) }, 140 * mebibyte, 0},
	} {
		f := &fakes{space: test.space, latest: api.Build{ManifestSize: 100 * mebibyte}}
		trimmed, err := test.reserve(Reserver{Volume: f, History: f})
		if err != nil || len(trimmed.Removed) != 1 {
			t.Errorf("%s: trimmed %+v, error %v", name, trimmed, err)
		}
		if want := (history.Limits{Count: 3, Space: 1000 * mebibyte, DesiredFree: test.desired, RequiredFree: test.required}); f.limits != want || f.current != "now" {
			t.Errorf("%s: the limits are %+v for %q, want %+v", name, f.limits, f.current, want)
		}
	}
}

// The first build on a volume has no success to be compared with: it needs the reserve.
func TestFirstBuildNeedsTheReserve(t *testing.T) {
	f := &fakes{space: volume.Space{Free: 8000 * mebibyte, Total: 8000 * mebibyte}}
	if _, err := (Reserver{Volume: f, History: f}).ForBuild(Keep{}); err != nil || f.limits.DesiredFree != 256*mebibyte {
		t.Errorf("desired are %d bytes, error %v", f.limits.DesiredFree, err)
	}
}

func TestTooLittleSpace(t *testing.T) {
	f := &fakes{space: volume.Space{Free: 10}, freeable: 5}
	if _, err := (Reserver{Volume: f, History: f}).ForManifest(Keep{}, 15); err != nil {
		t.Errorf("as much as is needed can be freed: %v", err)
	}
	f = &fakes{space: volume.Space{Free: 10}, freeable: 4}
	if trimmed, err := (Reserver{Volume: f, History: f}).ForManifest(Keep{}, 15); !errors.Is(err, syscall.ENOSPC) || len(trimmed.Removed) != 1 {
		t.Errorf("trimmed %+v, error %v", trimmed, err)
	}
}

// Nothing is removed from a volume that can't be written.
func TestReadOnlyVolume(t *testing.T) {
	f := &fakes{space: volume.Space{Free: 10, ReadOnly: true}}
	if trimmed, err := (Reserver{Volume: f, History: f}).ForPush(Keep{}, 1); !errors.Is(err, syscall.EROFS) || len(trimmed.Removed) != 0 {
		t.Errorf("trimmed %+v, error %v", trimmed, err)
	}
}

func TestFailureOfTheHistory(t *testing.T) {
	broken := errors.New("input/output error")
	f := &fakes{failure: broken}
	if trimmed, err := (Reserver{Volume: f, History: f}).AfterBuild(Keep{}, 0); !errors.Is(err, broken) || len(trimmed.Removed) != 1 {
		t.Errorf("trimmed %+v, error %v", trimmed, err)
	}
}
