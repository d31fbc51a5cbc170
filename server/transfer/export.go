package transfer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/stateimage"
)

// Export returns the state as it is between two builds, sealed. Its generation is
// durable before Export returns, so that no two states have the same. The error is
// job.ErrBusy while a build runs, and history.ErrNoSuccess before the first success.
func (t *Transfer) Export() (image api.StateImage, err error) {
	err = t.Parameters.UseIdle(func(parameters api.Parameters) error {
		image, err = t.export(parameters)
		return err
	})
	return image, err
}

func (t *Transfer) export(parameters api.Parameters) (api.StateImage, error) {
	if err := t.FinishImport(); err != nil {
		return api.StateImage{}, err
	}
	state, err := t.state(parameters)
	if err != nil {
		return api.StateImage{}, err
	}
	developer, err := base64.StdEncoding.DecodeString(string(parameters.Secret))
	if err != nil {
		return api.StateImage{}, errors.New("export state: SECRET is not base64")
	}
	text, err := stateimage.Seal(t.Keys, developer, state)
	if err != nil {
		return api.StateImage{}, err
	}
	if err := t.Secrets.Put(generationName, encodeGeneration(state.Generation)); err != nil {
		return api.StateImage{}, err
	}
	sum := sha256.Sum256([]byte(text))
	return api.StateImage{Name: state.BuildName, ExportTag: "sha256:" + hex.EncodeToString(sum[:]), State: text}, nil
}

// state collects what a state image holds.
func (t *Transfer) state(parameters api.Parameters) (stateimage.State, error) {
	latest, _, err := t.History.Latest()
	if err != nil {
		return stateimage.State{}, err
	}
	generation, err := t.generation()
	if err != nil {
		return stateimage.State{}, err
	}
	public, err := json.Marshal(parameters.Public())
	if err != nil {
		return stateimage.State{}, fmt.Errorf("export parameters: %w", err)
	}
	secrets, err := t.travelling()
	if err != nil {
		return stateimage.State{}, err
	}
	builds, err := t.builds()
	if err != nil {
		return stateimage.State{}, err
	}
	return stateimage.State{
		Generation: generation + 1,
		Repository: parameters.Repository(),
		BuildName:  latest.BuildName,
		Exported:   time.Now().UTC(),
		Parameters: public,
		Secrets:    secrets,
		Builds:     builds,
	}, nil
}

// Bounds of the builds that are exported. Keys always are.
const (
	maxBuilds      = 1000
	maxBuildsBytes = 1 << 20 // of records and public keys
)

// builds returns the latest builds that succeeded, newest first, within the bounds.
func (t *Transfer) builds() ([]stateimage.Build, error) {
	ids, err := t.Builds.IDs()
	if err != nil {
		return nil, err
	}
	var builds []stateimage.Build
	size := 0
	for _, id := range ids {
		record, folder, err := t.History.Succeeded(id)
		if err != nil {
			if !errors.Is(err, history.ErrNoSuchBuild) {
				t.Logger.Warn("build is not exported", "build", id, "error", err)
			}
			continue
		}
		text, err := json.Marshal(record)
		if err != nil {
			return nil, fmt.Errorf("export record of build %s: %w", id, err)
		}
		key, err := folder.PublicKey()
		if err != nil {
			return nil, err
		}
		if size += len(text) + len(key); size > maxBuildsBytes || len(builds) == maxBuilds {
			break
		}
		builds = append(builds, stateimage.Build{ID: id, Record: text, PublicKey: string(key)})
	}
	return builds, nil
}
