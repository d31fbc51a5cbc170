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

// Builds are the folders of all builds. volume.Builds implements it.
type Builds interface {
	Open(id string) (volume.Build, error) // wraps fs.ErrNotExist when there is none
}

// Lookaside has signatures of images whose registry stores none. volume.Lookaside
// implements it.
type Lookaside interface {
	Signature(name string) ([]byte, error) // wraps fs.ErrNotExist when there is none
	Signatures(image string) ([][]byte, error)
}

// Disk is the disk with the server's data. *volume.Volume implements it.
type Disk interface {
	Space() (volume.Space, error)
	RequireFree(bytes int64) error // a *volume.UnwritableError when fewer are free
}

// Config holds the parts that a Server serves.
type Config struct {
	Slot       *job.Slot
	Builds     Builds
	History    *history.Builds // of Builds
	Lookaside  Lookaside
	Disk       Disk
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
	return &Server{Config: config, metrics: metrics.New(space(config.Disk), config.Enclave), timeouts: defaultTimeouts}
}

func space(disk Disk) metrics.Space {
	return func() (free, total int64, err error) {
		space, err := disk.Space()
		return space.Free, space.Total, err
	}
}
