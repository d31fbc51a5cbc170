package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

// The collaborators of a pipeline as fakes. Each operation calls fixture.reach.

// fixture is a pipeline on a temporary volume whose collaborators are fakes. Each
// fake calls reach with the name of the operation.
type fixture struct {
	t        *testing.T
	dir      string
	volume   *volume.Volume
	slot     *job.Slot
	pipeline *Pipeline

	version builder.Version
	sources []builder.Source // that the builder asks about, if it enforces policies

	downloads []builder.Download // that the builder reports

	mu     sync.Mutex
	calls  []string
	during func(ctx context.Context, operation string) error // of the test; nil for success
}

func (f *fixture) clone(ctx context.Context, _ source.Request, dir string, _ io.Writer) (source.Checkout, error) {
	if err := f.reach(ctx, "clone"); err != nil {
		return source.Checkout{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return source.Checkout{}, err
	}
	err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY Dockerfile /\n"), 0o600)
	return source.Checkout{Commit: loopCommit, Committed: time.Unix(1600000000, 0).UTC(), Reference: "refs/heads/main"}, err
}

func (f *fixture) scan(ctx context.Context, _, _ string) (sbom.Inventory, error) {
	return sbom.Inventory{Packages: []sbom.Package{{Name: "busybox", Version: "1.35", PURL: "pkg:deb/debian/busybox@1.35"}}}, f.reach(ctx, "scan")
}

type fakeBuilder struct{ *fixture }

func (b fakeBuilder) Version() builder.Version { return b.version }

func (b fakeBuilder) Build(ctx context.Context, request builder.Request, output io.Writer) (builder.Image, error) {
	_, _ = io.WriteString(output, "#1 FROM scratch\n")
	image := builder.Image{Downloads: b.downloads, Remove: func(ctx context.Context) error { return b.reach(ctx, "remove") }}
	for _, source := range b.sources {
		decision, err := request.Decide(ctx, source)
		if err != nil || !decision.Allow {
			return builder.Image{}, fmt.Errorf("source %s is refused by the policy: %s: %w", source.Name, decision.Reason, err)
		}
		image.Base = append(image.Base, builder.BaseImage{Reference: source.Name, Digest: decision.Digest})
	}
	return image, errors.Join(os.WriteFile(request.Archive, nil, 0o600), b.reach(ctx, "build"))
}

func (b fakeBuilder) RemoveLeftovers(ctx context.Context, _ string, _ time.Time) error {
	return b.reach(ctx, "remove leftovers")
}

func (b fakeBuilder) Close() error { return b.reach(context.Background(), "close") }

// fakePusher is a registry whose tags are recorded in the calls.
type fakePusher struct{ *fixture }

func (p fakePusher) Push(ctx context.Context, _ push.Target, _, _ string, _ io.Writer) (push.Pushed, error) {
	return push.Pushed{Digest: loopDigest, Size: 7}, p.reach(ctx, "push")
}

func (p fakePusher) Tag(ctx context.Context, _ push.Target, _ push.Pushed, _ []string, _ io.Writer) (undo func(context.Context) error, err error) {
	return func(ctx context.Context) error { return p.reach(ctx, "put back the tags") }, p.reach(ctx, "tag")
}

type fakeSigner struct{ *fixture }

func (s fakeSigner) Sign(ctx context.Context, _ signing.Request, _ io.Writer) (signing.PublicKey, error) {
	return signing.PublicKey{Method: api.SigningSigstore, ID: "id", Key: "key"}, s.reach(ctx, "sign")
}

func (s fakeSigner) Attest(ctx context.Context, _ signing.Image, predicateType string, _ []byte) ([]byte, signing.PublicKey, error) {
	return []byte(`{"bundle":true}`), signing.PublicKey{Method: api.KeyOfAttestations, ID: "id", Key: "key"}, s.reach(ctx, "state "+kind(predicateType))
}

func (s fakeSigner) Attach(ctx context.Context, _ signing.Request, predicateType string, _ []byte) (string, error) {
	return loopDigest, s.reach(ctx, "attach "+kind(predicateType))
}

func kind(predicateType string) string {
	if predicateType == api.PredicateSPDX {
		return "sbom"
	}
	return "provenance"
}

// fakeStore is the bucket for manifests.
type fakeStore struct{ *fixture }

func (f *fixture) openStore(string, api.ObjectStore, []byte) (ObjectStore, error) {
	return fakeStore{f}, nil
}

func (s fakeStore) Put(ctx context.Context, name string, content *io.SectionReader) error {
	if content.Size() == 0 {
		s.t.Errorf("%s is empty", name)
	}
	return s.reach(ctx, "store")
}

func (s fakeStore) Close() {}

func loopParameters() api.Parameters {
	return api.Parameters{
		RuntimeType: "vpc", GitHubURL: "git@git.example.com:ns/app.git",
		DockerRepo: "ns/app", DockerUser: "user", DockerPassword: "the-password", PushServer: "r.example.com",
		ImageSigning: api.Methods{api.SigningSigstore},
	}
}
