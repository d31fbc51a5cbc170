package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/metrics"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/volume"
)

// Builder is what the server asks of the pipeline.
type Builder interface {
	Check(parameters api.Parameters) error // *api.ParameterError: it can't build these
	Begin(parameters api.Parameters) error
}

// Config is what a server is made of.
type Config struct {
	Slot    *job.Slot
	Volume  *volume.Volume
	History *history.Builds // of that volume
	Builder Builder
	Enclave string // its kind, shown in the status
	Keys    stateimage.Keys
	// Travelling declares which of the sealed names go into a state image.
	Travelling stateimage.Travelling
	// CABundle is PEM text of authorities that the operator trusts, for the
	// store of state images.
	CABundle []byte
	Logger   *slog.Logger
	Prove    Prove              // evidence of what the server runs in
	TLSKey   attestation.Digest // of the server, which evidence is bound to
}

// Server answers the protocol. Make it with New.
type Server struct {
	Config
	metrics  *metrics.Metrics
	patience patience

	mu         sync.Mutex
	parameters *api.Parameters // nil before init
	incomplete bool            // the parameters came with a state, without passwords
	damaged    error           // the parameters are there, but do not open
	refused    error           // an earlier version accepted the parameters, and this one does not; only their Secret is known
}

// parametersName is where the parameters are sealed: their wire form.
const parametersName = "parameters"

// importedName is where parameters that came with a state are sealed. They
// count as long as none were given by init or update.
const importedName = "imported-parameters"

// New makes a server that knows the parameters that were sealed on its volume.
// When their file does not open, the server still shows what was built, and
// looks again whenever it needs them: they may have been put back.
func New(config Config) (*Server, error) {
	s := &Server{Config: config, metrics: metrics.New(space(config.Volume), config.Enclave), patience: usualPatience}
	if err := s.restoreLocked(); err != nil && s.damaged == nil {
		return nil, fmt.Errorf("restore parameters: %w", err)
	}
	return s, nil
}

// restoreLocked notes in damaged what only the owner of the volume can mend.
func (s *Server) restoreLocked() error {
	s.damaged = nil
	err := s.restore()
	var sealed *volume.SealedError
	if errors.As(err, &sealed) {
		s.damaged = err
	}
	return err
}

func space(data *volume.Volume) metrics.Space {
	return func() (free, total int64, err error) {
		space, err := data.Space()
		return space.Free, space.Total, err
	}
}

func (s *Server) restore() error {
	sealed, err := s.Volume.Secrets().Get(parametersName)
	if errors.Is(err, fs.ErrNotExist) {
		return s.restoreImported()
	}
	if err != nil {
		return err
	}
	restored, err := api.ParseParameters(sealed)
	if err != nil {
		return s.refuse(sealed, err)
	}
	s.parameters = &restored
	return nil
}

// refuse keeps a server going whose parameters were accepted by an earlier version
// with fewer rules: they can be replaced, by whoever knows their SECRET, and
// nothing is built with them. Any other cause is returned.
func (s *Server) refuse(sealed []byte, cause error) error {
	var parameter *api.ParameterError
	if !errors.As(cause, &parameter) {
		return cause
	}
	var known struct{ Secret api.Secret }
	if err := json.Unmarshal(sealed, &known); err != nil || known.Secret == "" {
		return cause
	}
	s.parameters = &api.Parameters{Secret: known.Secret}
	s.refused = &api.ParameterError{
		Key:     parameter.Key,
		Problem: parameter.Problem + " (an earlier version of this server accepted it: correct it, and run update)",
		Takes:   parameter.Takes,
	}
	return nil
}

// restoreImported does not ask for what is required: that came not along.
func (s *Server) restoreImported() error {
	sealed, err := s.Volume.Secrets().Get(importedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var restored api.Parameters
	if err := json.Unmarshal(sealed, &restored); err != nil {
		s.incomplete = true
		return s.refuse(sealed, err)
	}
	s.parameters, s.incomplete = &restored, true
	return nil
}

// current returns the parameters, errNotInitialised, errIncomplete, or what is
// wrong with them or with their file.
func (s *Server) current() (api.Parameters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.currentLocked()
}

func (s *Server) currentLocked() (api.Parameters, error) {
	if s.damaged != nil {
		if err := s.restoreLocked(); err != nil {
			return api.Parameters{}, err
		}
	}
	switch {
	case s.parameters == nil:
		return api.Parameters{}, errNotInitialised
	case s.refused != nil:
		return api.Parameters{}, s.refused
	case s.incomplete:
		return *s.parameters, errIncomplete
	}
	return *s.parameters, nil
}

// change replaces the parameters by what next makes of them (nil before init):
// durably, then visibly. Parameters don't change under a running build.
func (s *Server) change(next func(*api.Parameters) (api.Parameters, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Slot.State().Running {
		return job.ErrBusy
	}
	// Parameters that do not open are not overwritten.
	if _, err := s.currentLocked(); s.damaged != nil {
		return err
	}
	changed, err := next(s.parameters)
	if err != nil {
		return err
	}
	text, err := json.Marshal(changed)
	if err != nil {
		return fmt.Errorf("seal parameters: %w", err)
	}
	if err := s.Volume.Secrets().Put(parametersName, text); err != nil {
		return fmt.Errorf("seal parameters: %w", err)
	}
	s.parameters, s.incomplete, s.refused = &changed, false, nil
	return nil
}
