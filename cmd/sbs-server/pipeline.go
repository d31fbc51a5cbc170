package main

import (
	"context"
	"fmt"
	"os"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/pipeline"
	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/trust/dct"
	"github.com/opensbs/sbs/server/trust/sigstore"
	"github.com/opensbs/sbs/server/trust/simple"
	"github.com/opensbs/sbs/server/volume"
)

// What a pipeline is made of here: the one place that names them all.

func newPipeline(getenv func(string) string, inside *enclave.Enclave, data *volume.Volume, builds *history.Builds, slot *job.Slot,
	connect func(context.Context) (pipeline.Engine, error), insecure []string, sandbox *process.Sandbox,
) (*pipeline.Pipeline, error) {
	knownHosts, err := optionalFile(getenv, envKnownHosts)
	if err != nil {
		return nil, err
	}
	if err := source.CheckKnownHosts(knownHosts); err != nil {
		return nil, fmt.Errorf("%s: %w", envKnownHosts, err)
	}
	bundle, err := optionalFile(getenv, envCABundle)
	if err != nil {
		return nil, err
	}
	proxies, err := readProxies()
	if err != nil {
		return nil, err
	}
	bundles := sigstore.New(data)
	return pipeline.New(pipeline.Config{
		Slot:    slot,
		Volume:  data,
		History: builds,
		Clone:   source.Clone,
		Connect: connect,
		Signers: map[string]pipeline.Signer{
			api.SigningDCT:            dct.New(data),
			api.SigningSimple:         simple.New(data, data, version),
			api.SigningSigstore:       bundles,
			api.SigningSigstoreLegacy: bundles.Legacy(),
		},
		LookThrough: sbom.Scanner{Runner: sandbox}.Scan,
		Attester:    bundles,
		Bases:       baseWays(data),
		Enclave:     inside.Kind(),
		Version:     version,
		KnownHosts:  knownHosts,
		CABundle:    bundle,
		Insecure:    insecure,
		Proxy:       proxies.choose,
		BuildArgs:   proxies.buildArguments(),
		Secrets:     proxies.secrets,
	}), nil
}

func optionalFile(getenv func(string) string, name string) ([]byte, error) {
	file := getenv(name)
	if file == "" {
		return nil, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return content, nil
}
