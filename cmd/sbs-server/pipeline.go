package main

import (
	"context"
	"log/slog"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/server/pipeline"
	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/server/signing/simple"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

// pipelineConfig returns what the pipeline of this server is made of: the one place that
// names it all.
func pipelineConfig(s settings, inside *enclave.Enclave, data *volume.Volume, builds *history.Builds, slot *job.Slot,
	connect func(context.Context) (pipeline.Builder, error), sandbox *process.Sandbox, logger *slog.Logger,
) pipeline.Config {
	bundles := sigstore.New(data.Secrets())
	return pipeline.Config{
		Slot:     slot,
		Builds:   data.Builds(),
		History:  builds,
		KeyStore: data.Secrets(),
		Disk:     data,
		Scratch:  data.Work(),
		Clone:    source.Clone,
		Connect:  connect,
		Signers: map[string]pipeline.Signer{
			api.SigningDCT:            dct.New(data.Secrets()),
			api.SigningSimple:         simple.New(data.Secrets(), data.Lookaside(), version),
			api.SigningSigstore:       bundles,
			api.SigningSigstoreLegacy: bundles.Legacy(),
		},
		Pusher:          new(push.Pusher),
		Scan:            sbom.Scanner{Runner: sandbox}.Scan,
		CheckDockerfile: dockerfile.Checker{Runner: sandbox}.Check,
		ReadTriggers:    dockerfile.Checker{Runner: sandbox}.Triggers,
		OpenStore:       openStore,
		Attester:        bundles,
		Bases:           baseVerifiers(data.Secrets()),
		Logger:          logger,
		Enclave:         inside.Kind(),
		SandboxMissing:  sandbox.Missing(),
		Version:         version,
		KnownHosts:      s.knownHosts,
		CABundle:        s.caBundle,
		Insecure:        s.registries.insecure,
		Proxy:           s.proxies.choose,
		BuildArgs:       s.proxies.buildArguments(),
		Secrets:         s.proxies.secrets,
		Logins:          s.proxies.logins,
	}
}

// openStore returns a nil interface, not a nil *Store, with an error.
func openStore(prefix string, parameters api.ObjectStore, caBundle []byte) (pipeline.ObjectStore, error) {
	store, err := objectstore.Open(prefix, parameters, caBundle)
	if err != nil {
		return nil, err
	}
	return store, nil
}
