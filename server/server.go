package server

import (
	"log/slog"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/metrics"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/server/volume"
)

// Builder starts builds. *pipeline.Pipeline implements it.
type Builder interface {
	// Check returns an *api.ParameterError for parameters that it can't build.
	Check(parameters api.Parameters) error
	Begin(parameters api.Parameters) error
}

// Config holds the parts that a Server serves.
type Config struct {
	Slot       *job.Slot
	Volume     *volume.Volume
	History    *history.Builds // of Volume
	Parameters *parameters.Store
	Transfer   *transfer.Transfer
	Builder    Builder
	Enclave    string // its kind, shown in the status
	Logger     *slog.Logger
	Prove      Prove              // makes evidence of what the server runs in
	TLSKey     attestation.Digest // of the server; evidence is bound to it
}

// Server serves the protocol over HTTP.
type Server struct {
	Config
	metrics  *metrics.Metrics
	timeouts timeouts
}

// New returns a Server.
func New(config Config) *Server {
	return &Server{Config: config, metrics: metrics.New(space(config.Volume), config.Enclave), timeouts: defaultTimeouts}
}

func space(data *volume.Volume) metrics.Space {
	return func() (free, total int64, err error) {
		space, err := data.Space()
		return space.Free, space.Total, err
	}
}
