package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/pipeline"
	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/server/volume"
)

// Environment values, in addition to those of packages server and enclave.
const (
	envListen        = "SBS_LISTEN"              // address; ":443" unless given
	envVolume        = "SBS_VOLUME"              // folder of the data volume; "/data" unless given
	envHealth        = "SBS_HEALTH_LISTEN"       // loopback address for GET /healthz; none unless given
	envLogFormat     = "SBS_LOG_FORMAT"          // json, text or journal; "json" unless given
	envLogLevel      = "SBS_LOG_LEVEL"           // debug, info, warn or error; "info" unless given
	envBuilder       = "SBS_BUILDER"             // what builds: docker or buildkit
	envBuilderSubnet = "SBS_BUILDER_SUBNET"      // IPv4 network of the commands of builds, with buildkit
	envMirrors       = "SBS_REGISTRY_MIRRORS"    // URLs of mirrors of Docker Hub, with commas between them
	envInsecure      = "SBS_INSECURE_REGISTRIES" // host[:port] of registries without TLS, with commas between them
	envSimulated     = "SBS_SIMULATED_ENCLAVE"   // folder of a simulated enclave; unset in a real one
	envKnownHosts    = "SBS_KNOWN_HOSTS"         // known_hosts file for all builds
	envRecords       = "SBS_ATTESTATION_RECORDS" // folder of the runtime's attestation record; enclave.RecordFolder unless given
	envCABundle      = "SBS_CA_BUNDLE"           // PEM file of CAs for git, notary, registry and object servers, for all builds
)

// serve reads and checks the environment, and runs the server in it until ctx ends.
func serve(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error {
	settings, err := readSettings(getenv)
	if err != nil {
		return err
	}
	logger := newLogger(settings.log, stdout, stderr)
	sandbox, err := newSandbox(ctx, logger)
	if err != nil {
		return err
	}
	return run(ctx, getenv, settings, logger, sandbox)
}

// run starts what a server is made of, in order, serves until ctx ends, and
// stops it in the reverse order. sandbox runs the tasks of builds.
func run(ctx context.Context, getenv func(string) string, settings settings, logger *slog.Logger, sandbox *process.Sandbox) (err error) {
	inside, err := chooseEnclave(getenv)
	if err != nil {
		return err
	}
	// Its library logs to a logger of its own.
	dct.RedirectLibraryLog(logger)
	config, err := server.TLSConfig(getenv, inside.OpenMessage)
	if err != nil {
		return err
	}
	tlsKey, err := server.TLSKey(config)
	if err != nil {
		return err
	}
	data, err := openVolume(settings.volume, inside, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	connect, stop, err := startBuilder(ctx, settings, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	slot, err := job.Open(data.Job(), pipeline.CleanUpBuilder(ctx, connect, logger, pipeline.Recover(data.Builds())))
	if err != nil {
		return err
	}
	builds := history.New(data.Builds(), data.Space)
	build := pipeline.New(pipelineConfig(settings, inside, data, builds, slot, connect, sandbox, logger))
	if err := build.ReconcileInterrupted(); err != nil {
		logger.Error("save the ends of interrupted builds", "error", err)
	}
	store, err := parameters.Open(data.Secrets(), slot)
	if err != nil {
		return err
	}
	s := server.New(server.Config{
		Slot: slot, Builds: data.Builds(), History: builds, Lookaside: data.Lookaside(), Disk: data,
		Parameters: store, Builder: build, Enclave: inside.Kind(), Logger: logger,
		Transfer: transfer.New(transferConfig(settings, inside, data, builds, store, logger)),
		Prove:    prover(inside, settings.records), TLSKey: tlsKey,
	})
	return listenAndServe(ctx, s, settings, config, func(address net.Addr) {
		logger.Info("serving", "address", address.String(), "version", version, "enclave", inside.Kind())
	})
}

// transferConfig returns what the transfer of this server's state is made of.
func transferConfig(s settings, inside *enclave.Enclave, data *volume.Volume, builds *history.Builds, store *parameters.Store, logger *slog.Logger) transfer.Config {
	return transfer.Config{
		Parameters: store, Secrets: data.Secrets(), Builds: data.Builds(), History: builds, Importer: data, Keys: inside,
		Sealed: sealedNames(), CABundle: s.caBundle, Logger: logger,
	}
}

// listenAndServe serves both the clients and, where it is configured, the checks of
// the server's health, until ctx ends. It calls serving with the address that
// clients reach it at.
func listenAndServe(ctx context.Context, s *server.Server, given settings, config *tls.Config, serving func(net.Addr)) (err error) {
	listener, err := net.Listen("tcp", given.listen)
	if err != nil {
		return fmt.Errorf("listen (set %s to another address): %w", envListen, err)
	}
	health, err := healthListener(given.health)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	stopHealth := serveHealth(ctx, s, health)
	defer func() { err = errors.Join(err, stopHealth()) }()
	serving(listener.Addr())
	return s.Serve(ctx, listener, config)
}

// openVolume opens the data volume. It must belong to this server image.
func openVolume(dir string, inside *enclave.Enclave, logger *slog.Logger) (*volume.Volume, error) {
	data, err := volume.Open(dir, inside)
	if err != nil {
		return nil, err
	}
	if err := openSealed(data.Secrets(), inside, logger); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return data, nil
}

// openSealed makes sure that the volume belongs to this server image. A single
// file that does not open is named here and wherever it is needed, and the server
// does without it as long as it can.
func openSealed(secrets volume.Secrets, inside *enclave.Enclave, logger *slog.Logger) error {
	opened, err := secrets.Check()
	if opened == 0 && errors.Is(err, enclave.ErrOtherSecret) {
		return err
	}
	if err != nil {
		logger.Error("sealed files do not open", "error", err)
	}
	// A file that can't be resealed still opens for this image, or is damaged.
	if err := secrets.Reseal(inside.NeedsReseal); err != nil {
		logger.Error("reseal what an earlier server image sealed", "error", err)
	}
	return nil
}

// chooseEnclave returns the real or the simulated enclave; only it distinguishes
// them.
func chooseEnclave(getenv func(string) string) (*enclave.Enclave, error) {
	if dir := getenv(envSimulated); dir != "" {
		return enclave.Simulate(dir)
	}
	inside, err := enclave.FromContract(getenv)
	if err != nil {
		return nil, fmt.Errorf("%w (to try the server without an enclave, set %s to a folder)", err, envSimulated)
	}
	return inside, nil
}

func simulateEnclave(dir string) error {
	if _, err := enclave.Simulate(dir); err != nil {
		return err
	}
	fmt.Println(filepath.Join(dir, enclave.FilePublicKey))
	return nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
