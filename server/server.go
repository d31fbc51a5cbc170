package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
)

// Builder is what the server asks of the pipeline.
type Builder interface {
	Begin(parameters api.Parameters) error
}

// Config is what a server is made of.
type Config struct {
	Slot    *job.Slot
	Volume  *volume.Volume
	Builder Builder
	Enclave string // its kind, shown in the status
	Logger  *slog.Logger
}

// Server answers the protocol. Make it with New.
type Server struct {
	Config

	mu         sync.Mutex
	parameters *api.Parameters // nil before init
}

// parametersName is where the parameters are sealed: their wire form.
const parametersName = "parameters"

// New makes a server that knows the parameters that were sealed on its volume.
func New(config Config) (*Server, error) {
	s := &Server{Config: config}
	sealed, err := config.Volume.Get(parametersName)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("restore parameters: %w", err)
	}
	restored, err := api.ParseParameters(sealed)
	if err != nil {
		return nil, fmt.Errorf("restore parameters: %w", err)
	}
	s.parameters = &restored
	return s, nil
}

// current returns the parameters, or errNotInitialised.
func (s *Server) current() (api.Parameters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parameters == nil {
		return api.Parameters{}, errNotInitialised
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
	changed, err := next(s.parameters)
	if err != nil {
		return err
	}
	text, err := json.Marshal(changed)
	if err != nil {
		return fmt.Errorf("seal parameters: %w", err)
	}
	if err := s.Volume.Put(parametersName, text); err != nil {
		return fmt.Errorf("seal parameters: %w", err)
	}
	s.parameters = &changed
	return nil
}
