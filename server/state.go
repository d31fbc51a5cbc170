package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/server/stateimage"
)

// generationName is where the number of the latest state is sealed that was
// exported or imported here. It tells people which state is which, and decides
// nothing.
const generationName = "state/generation"

// storePrefix begins the parameters of the store of state images.
const storePrefix = "STATE_"

// exportState answers the sealed state, or stores it in a bucket.
func (s *Server) exportState(w http.ResponseWriter, r *http.Request) error {
	var selector api.StateSelector
	if err := readJSON(r, &selector); err != nil {
		return err
	}
	name, text, err := s.sealedState()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(text))
	image := api.StateImage{Name: name, ExportTag: "sha256:" + hex.EncodeToString(sum[:]), State: text}
	if selector.Bucket != "" {
		if err := s.storeState(r.Context(), selector.Bucket, name, text); err != nil {
			return err
		}
		image.State = ""
	}
	writeJSON(w, http.StatusOK, image)
	return nil
}

// stateStore is where states lie: in the bucket that was asked for, or in that
// of the parameters.
func (s *Server) stateStore(bucket string) (api.ObjectStore, error) {
	parameters, err := s.current()
	if err != nil {
		return api.ObjectStore{}, err
	}
	store := parameters.StateStore
	if bucket != "" {
		store.Bucket = bucket
	}
	return store, nil
}

func (s *Server) storeState(ctx context.Context, bucket, name, text string) error {
	where, err := s.stateStore(bucket)
	if err != nil {
		return err
	}
	store, err := objectstore.Open(storePrefix, where, s.CABundle)
	if err != nil {
		return err
	}
	defer store.Close()
	return store.Put(ctx, name, io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))))
}

// sealedState seals the state as it is between two builds. Its number is
// durable before it is given away, so that no two states have the same.
func (s *Server) sealedState() (name, text string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Slot.State().Running {
		return "", "", job.ErrBusy
	}
	parameters, err := s.currentLocked()
	if err != nil {
		return "", "", err
	}
	if err := s.Volume.FinishImport(); err != nil {
		return "", "", err
	}
	state, err := s.state(parameters)
	if err != nil {
		return "", "", err
	}
	developer, err := base64.StdEncoding.DecodeString(string(parameters.Secret))
	if err != nil {
		return "", "", errors.New("export state: SECRET is not base64")
	}
	if text, err = stateimage.Seal(s.Keys, developer, state); err != nil {
		return "", "", err
	}
	if err := s.Volume.Secrets().Put(generationName, strconv.AppendUint(nil, state.Generation, 10)); err != nil {
		return "", "", err
	}
	return state.BuildName, text, nil
}

// state collects what a state image holds.
func (s *Server) state(parameters api.Parameters) (stateimage.State, error) {
	latest, _, err := s.latest()
	if err != nil {
		return stateimage.State{}, err
	}
	generation, err := s.generation()
	if err != nil {
		return stateimage.State{}, err
	}
	public, err := json.Marshal(parameters.Public())
	if err != nil {
		return stateimage.State{}, fmt.Errorf("export parameters: %w", err)
	}
	secrets, err := s.secrets()
	if err != nil {
		return stateimage.State{}, err
	}
	builds, err := s.history()
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

// secrets are the sealed names that travel: signing keys, and what is remembered
// of trust repositories.
func (s *Server) secrets() (map[string][]byte, error) {
	names, err := s.Volume.Secrets().List("")
	if err != nil {
		return nil, err
	}
	secrets := map[string][]byte{}
	for _, name := range names {
		if _, travels := s.Travelling.Find(name); !travels {
			continue
		}
		if secrets[name], err = s.Volume.Secrets().Get(name); err != nil {
			return nil, err
		}
	}
	return secrets, nil
}

// Bounds of the history that travels. Keys always do.
const (
	maxHistory      = 1000    // builds
	maxHistoryBytes = 1 << 20 // of records and public keys
)

// history is the latest builds that succeeded, as far as they fit.
func (s *Server) history() ([]stateimage.Build, error) {
	ids, err := s.Volume.Builds().IDs()
	if err != nil {
		return nil, err
	}
	var builds []stateimage.Build
	size := 0
	for _, id := range ids {
		record, folder, err := s.succeeded(id)
		if err != nil {
			if !errors.Is(err, errNoSuchBuild) {
				s.Logger.Warn("build passed over", "build", id, "error", err)
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
		if size += len(text) + len(key); size > maxHistoryBytes || len(builds) == maxHistory {
			break
		}
		builds = append(builds, stateimage.Build{ID: id, Record: text, PublicKey: string(key)})
	}
	return builds, nil
}

// generation is the number of the latest state that was exported or imported.
func (s *Server) generation() (uint64, error) {
	text, err := s.Volume.Secrets().Get(generationName)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	generation, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", generationName, err)
	}
	return generation, nil
}
