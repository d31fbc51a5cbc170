package history

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/volume"
)

// Errors of looking for a build that succeeded. Each text is for the user.
var (
	ErrNoSuccess   = errors.New("no build has succeeded yet: run build, and status until it is success")
	ErrNoSuchBuild = errors.New("there is no such build, or it did not succeed, or it was removed because of BUILDS_KEPT: the list of builds shows what there is")
)

// Latest returns the record and the folder of the latest build that succeeded. The
// error is ErrNoSuccess when there is none.
func (b *Builds) Latest() (record.Record, volume.Build, error) {
	latest, err := b.LatestSuccess()
	if err != nil {
		return record.Record{}, nil, err
	}
	if latest.ID == "" {
		return record.Record{}, nil, ErrNoSuccess
	}
	return b.Succeeded(latest.ID)
}

// Succeeded returns the record and the folder of the build with that id. The error
// wraps ErrNoSuchBuild when there is none that succeeded.
func (b *Builds) Succeeded(id string) (record.Record, volume.Build, error) {
	folder, err := b.folders.Open(id)
	if err != nil {
		return record.Record{}, nil, errors.Join(ErrNoSuchBuild, err)
	}
	saved, err := folder.Record()
	if errors.Is(err, fs.ErrNotExist) {
		return record.Record{}, nil, ErrNoSuchBuild // it is running, or was interrupted
	}
	if err != nil {
		return record.Record{}, nil, err
	}
	found, err := record.Decode(saved)
	if err != nil {
		return record.Record{}, nil, fmt.Errorf("record of build %s: %w", id, err)
	}
	if found.Status != api.StatusSuccess {
		return record.Record{}, nil, ErrNoSuchBuild
	}
	return found, folder, nil
}
