package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/pipeline"
	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// lifecycle is a server whose clone, builder and scanner are fakes; the rest of it is
// real: enclave, volume, keys, signers, parameters and the transfer of its state.
type lifecycle struct {
	t        *testing.T
	data     *volume.Volume
	slot     *job.Slot
	store    *parameters.Store
	pipeline *pipeline.Pipeline
	transfer *transfer.Transfer
}

const lifecycleSecret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func startLifecycle(t *testing.T, inside *enclave.Enclave, given settings) *lifecycle {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	data, err := openVolume(t.TempDir(), inside, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	})
	slot, err := job.Open(data.Job(), pipeline.Recover(data.Builds()))
	if err != nil {
		t.Fatal(err)
	}
	store, err := parameters.Open(data.Secrets(), slot)
	if err != nil {
		t.Fatal(err)
	}
	builds := history.New(data.Builds(), data.Space)
	config := pipelineConfig(given, inside, data, builds, slot, nil, new(process.Sandbox), logger)
	config.Clone = cloneNothing
	config.Connect = func(context.Context) (pipeline.Builder, error) { return lifecycleBuilder{}, nil }
	config.CheckDockerfile = func(context.Context, dockerfile.Request) error { return nil }
	config.Scan = func(context.Context, string, string) (sbom.Inventory, error) { return sbom.Inventory{}, nil }
	config.Pusher = randomPusher{}
	return &lifecycle{
		t: t, data: data, slot: slot, store: store, pipeline: pipeline.New(config),
		transfer: transfer.New(transferConfig(given, inside, data, builds, store, logger)),
	}
}

// build runs a build until it has succeeded.
func (l *lifecycle) build() {
	l.t.Helper()
	if err := l.store.Use(l.pipeline.Begin); err != nil {
		l.t.Fatal(err)
	}
	deadline := time.After(time.Minute)
	for {
		state, changed := l.slot.Watch()
		if !state.Running {
			if state.Record.Status != api.StatusSuccess {
				l.t.Fatalf("the build ended with %q: %s", state.Record.Status, state.Record.Cause)
			}
			return
		}
		select {
		case <-changed:
		case <-deadline:
			l.t.Fatalf("the build did not end; its last status is %q", state.Record.Status)
		}
	}
}

// names returns all names that are sealed on the volume, and fails for those that no
// package declares.
func (l *lifecycle) names() []string {
	l.t.Helper()
	names, err := l.data.Secrets().List("")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, name := range names {
		if _, ok := sealedNames().Find(name); !ok {
			l.t.Errorf("%s is sealed on the volume, and no package declares whether it travels: add it to Sealed of its package, and that to sealedNames", name)
		}
	}
	return names
}

// lifecycleParameters are signed with all methods that need no notary server.
func lifecycleParameters(t *testing.T, server *registry.Server) api.Parameters {
	t.Helper()
	return api.Parameters{
		RuntimeType: "vpc", GitHubURL: "git@git.example.com:ns/app.git", Secret: lifecycleSecret,
		PushServer: server.Address(), DockerRepo: "ns/app", DockerUser: server.Writer().User, DockerPassword: api.Secret(server.Writer().Password),
		ImageSigning: api.Methods{api.SigningSimple, api.SigningSigstore, api.SigningSigstoreLegacy},
	}
}

// TestEverySealedNameIsDeclared runs a server from init over a build and an export to
// the import and the first update of another server. Whatever is sealed meanwhile must
// be declared with its travelling rule.
func TestEverySealedNameIsDeclared(t *testing.T) {
	inside, err := enclave.Simulate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := testregistry.Start(t)
	setProxies(t, nil)
	proxies, err := readProxies()
	if err != nil {
		t.Fatal(err)
	}
	given := settings{registries: registries{insecure: []string{server.Address()}}, proxies: proxies}
	first := startLifecycle(t, inside, given)
	if err := first.store.Init(lifecycleParameters(t, server)); err != nil {
		t.Fatal(err)
	}
	first.build()
	image, err := first.transfer.Export()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"manifest/key", "parameters", "sigstore/key", "simple/key", "state/generation"}
	if got := first.names(); !slices.Equal(got, want) {
		t.Errorf("sealed are %q, want %q", got, want)
	}

	second := startLifecycle(t, inside, given)
	if err := second.transfer.Import(lifecycleSecret, image.State); err != nil {
		t.Fatal(err)
	}
	if err := second.store.Update(lifecycleParameters(t, server)); err != nil {
		t.Fatal(err)
	}
	second.build()
	want = []string{"imported-parameters", "manifest/key", "parameters", "sigstore/key", "simple/key", "state/generation"}
	if got := second.names(); !slices.Equal(got, want) {
		t.Errorf("sealed after an import are %q, want %q", got, want)
	}
}

func cloneNothing(_ context.Context, _ source.Request, dir string, _ io.Writer) (source.Checkout, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return source.Checkout{}, err
	}
	err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600)
	return source.Checkout{Commit: "0123456789abcdef0123456789abcdef01234567", Committed: time.Unix(1600000000, 0).UTC(), Reference: "refs/heads/main"}, err
}

// lifecycleBuilder builds an empty archive.
type lifecycleBuilder struct{}

func (lifecycleBuilder) Version() builder.Version {
	return builder.Version{Builder: "buildkitd", OS: "linux", Arch: "amd64"}
}

func (lifecycleBuilder) Build(_ context.Context, request builder.Request, _ io.Writer) (builder.Image, error) {
	return builder.Image{Remove: func(context.Context) error { return nil }}, os.WriteFile(request.Archive, nil, 0o600)
}

func (lifecycleBuilder) RemoveLeftovers(context.Context, string, time.Time) error { return nil }
func (lifecycleBuilder) Close() error                                             { return nil }

// randomPusher pushes an image of its own.
type randomPusher struct{}

func (randomPusher) Push(ctx context.Context, target push.Target, _, _ string, _ io.Writer) (push.Pushed, error) {
	image, err := random.Image(64, 1)
	if err != nil {
		return push.Pushed{}, err
	}
	digest, err := image.Digest()
	if err != nil {
		return push.Pushed{}, err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return push.Pushed{}, err
	}
	mediaType, err := image.MediaType()
	if err != nil {
		return push.Pushed{}, err
	}
	reference, err := name.NewDigest(target.Repository + "@" + digest.String())
	if err != nil {
		return push.Pushed{}, err
	}
	account := remote.WithAuth(&authn.Basic{Username: target.User, Password: string(target.Password)})
	return push.Pushed{Digest: digest.String(), Size: int64(len(manifest)), MediaType: string(mediaType), Manifest: manifest},
		remote.Write(reference, image, account, remote.WithContext(ctx))
}

func (randomPusher) Tag(ctx context.Context, target push.Target, image push.Pushed, tags []string, progress io.Writer) (func(context.Context) error, error) {
	return new(push.Pusher).Tag(ctx, target, image, tags, progress)
}
