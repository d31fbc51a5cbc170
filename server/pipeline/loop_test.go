package pipeline

// The loop with everything around it faked but the volume: what a build does, in
// which order, and what is durable when. The real parts are in test/e2e.

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

const (
	loopCommit = "0123456789abcdef0123456789abcdef01234567"
	loopDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// fixture is a pipeline on a temporary volume whose collaborators are fakes. Each
// fake calls reach with the name of the operation.
type fixture struct {
	t        *testing.T
	dir      string
	volume   *volume.Volume
	slot     *job.Slot
	pipeline *Pipeline

	version engine.Version // of the engine

	mu     sync.Mutex
	calls  []string
	during func(ctx context.Context, operation string) error // of the test; nil for success
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir()}
	f.version = engine.Version{Engine: "20.10.24", API: "1.41", OS: "linux", Arch: "amd64", Builder: engine.BuildKit}
	var err error
	if f.volume, err = volume.Open(f.dir, clear{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.volume.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := f.volume.Secrets().Put("manifest/key", sharedKey()); err != nil {
		t.Fatal(err)
	}
	if f.slot, err = job.Open(f.volume.Job(), Recover(f.volume)); err != nil {
		t.Fatal(err)
	}
	f.pipeline = New(Config{
		Slot: f.slot, Volume: f.volume, History: history.New(f.volume),
		Clone: f.clone,
		Connect: func(ctx context.Context) (Engine, error) {
			return fakeEngine{f}, f.reach(ctx, "connect")
		},
		Signers: map[string]Signer{api.SigningSigstore: fakeSigner{f}},
		Bases:   noRules{},
		Pusher:  fakePusher{f},
		CheckDockerfile: func(_ context.Context, request dockerfile.Request) error {
			return dockerfile.CheckSyntax(request.Text, request.Environment.Args)
		},
		LookThrough: f.scan,
		Attester:    fakeSigner{f},
		Enclave:     "simulated", Version: "test",
	})
	return f
}

// sharedKey is a manifest key in its sealed form. What is tested here needs no key
// of its own, and making one takes a second.
var sharedKey = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return der
})

// reach notes the operation, checks that nothing is visible that is not durable,
// and returns what the test has for it.
func (f *fixture) reach(ctx context.Context, operation string) error {
	f.checkDurable(operation)
	f.mu.Lock()
	f.calls = append(f.calls, operation)
	f.mu.Unlock()
	if f.during == nil {
		return nil
	}
	return f.during(ctx, operation)
}

func (f *fixture) checkDurable(operation string) {
	order := []string{"", api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}
	visible := f.slot.State()
	content, err := f.volume.Job().Load()
	var durable job.State
	if err == nil {
		err = json.Unmarshal(content, &durable)
	}
	if err != nil {
		f.t.Errorf("at %s: the saved state: %v", operation, err)
		return
	}
	if durable.Record.ID != visible.Record.ID || slices.Index(order, durable.Record.Status) < slices.Index(order, visible.Record.Status) {
		f.t.Errorf("at %s: %q is visible, but only %q is durable", operation, visible.Record.Status, durable.Record.Status)
	}
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

type fakeEngine struct{ *fixture }

func (e fakeEngine) Version() engine.Version { return e.version }

func (e fakeEngine) Build(ctx context.Context, _ engine.BuildRequest, output io.Writer) (engine.Image, error) {
	_, _ = io.WriteString(output, "#1 FROM scratch\n")
	return engine.Image{ID: loopDigest}, e.reach(ctx, "build")
}

func (e fakeEngine) Save(ctx context.Context, _ string, _ io.Writer, _ int64) error {
	return e.reach(ctx, "save")
}

// fakePusher is a registry whose tags are noted in the calls.
type fakePusher struct{ *fixture }

func (p fakePusher) Push(ctx context.Context, _ push.Target, _, _ string, _ io.Writer) (push.Pushed, error) {
	return push.Pushed{Digest: loopDigest, Size: 7}, p.reach(ctx, "push")
}

func (p fakePusher) Tag(ctx context.Context, _ push.Target, _ push.Pushed, _ []string, _ io.Writer) (undo func(context.Context) error, err error) {
	return func(ctx context.Context) error { return p.reach(ctx, "put back the tags") }, p.reach(ctx, "tag")
}

func (e fakeEngine) Remove(ctx context.Context, _ ...string) error { return e.reach(ctx, "remove") }
func (e fakeEngine) RemoveTagged(ctx context.Context, _ string) error {
	return e.reach(ctx, "remove leftovers")
}
func (e fakeEngine) ClearCache(ctx context.Context, _ engine.Cache) error {
	return e.reach(ctx, "clear cache")
}
func (e fakeEngine) RemoveCache(ctx context.Context, _ time.Time) error {
	return e.reach(ctx, "remove cache")
}
func (e fakeEngine) Close() error { return e.reach(context.Background(), "close") }

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
	if predicateType == sbom.PredicateType {
		return "sbom"
	}
	return "provenance"
}

// noRules is a BaseVerifier of builds that have no rules.
type noRules struct{ BaseVerifier }

func (noRules) Check([]api.BaseRule) error { return nil }

func loopParameters() api.Parameters {
	return api.Parameters{
		RuntimeType: "vpc", GitHubURL: "git@git.example.com:ns/app.git",
		DockerRepo: "ns/app", DockerUser: "user", DockerPassword: "the-password", PushServer: "r.example.com",
		ImageSigning: api.Methods{api.SigningSigstore},
	}
}

// run builds to the end and returns the last record.
func (f *fixture) run() record.Record {
	f.t.Helper()
	if err := f.pipeline.Begin(loopParameters()); err != nil {
		f.t.Fatal(err)
	}
	return f.wait()
}

// wait returns the record of the build when it has ended.
func (f *fixture) wait() record.Record {
	f.t.Helper()
	for {
		state, changed := f.slot.Watch()
		if !state.Running {
			return state.Record
		}
		select {
		case <-changed:
		case <-time.After(time.Minute):
			f.t.Fatalf("the build did not end; its last status is %q", state.Record.Status)
		}
	}
}

// files are the files in the folder of the build, sorted.
func (f *fixture) files(id string) []string {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.dir, "builds", id))
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// checkNothingLeft checks what no build may leave.
func (f *fixture) checkNothingLeft() {
	f.t.Helper()
	left, err := os.ReadDir(filepath.Join(f.dir, "work"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.t.Error(err)
	}
	for _, entry := range left {
		f.t.Errorf("left in the scratch folder: %s", entry.Name())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if connected := slices.Contains(f.calls, "remove leftovers"); connected && f.calls[len(f.calls)-1] != "close" {
		f.t.Errorf("the connection to the engine was not closed last: %q", f.calls)
	}
}

func (f *fixture) checkFailed(last record.Record, command, cause string) {
	f.t.Helper()
	if want := api.FailureStatus(command); last.Status != want {
		f.t.Errorf("the status is %q, not %q", last.Status, want)
	}
	if last.Cause != cause {
		f.t.Errorf("the cause is %q, not %q", last.Cause, cause)
	}
	saved, ok := savedRecord(f.volume, last.ID)
	if !ok || saved.Status != last.Status || saved.Cause != last.Cause || saved.Finished.IsZero() {
		f.t.Errorf("the saved record is %+v", saved)
	}
	for _, name := range f.files(last.ID) {
		if strings.Contains(name, ".tbz") {
			f.t.Errorf("a failed build has the manifest %s", name)
		}
	}
	f.checkNothingLeft()
}

func TestLoopSucceeds(t *testing.T) {
	f := newFixture(t)
	var statuses []string
	f.during = func(context.Context, string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if status := f.slot.State().Record.Status; len(statuses) == 0 || statuses[len(statuses)-1] != status {
			statuses = append(statuses, status)
		}
		return nil
	}
	last := f.run()
	if last.Status != api.StatusSuccess || last.Cause != "" {
		t.Fatalf("ended as %q: %s", last.Status, last.Cause)
	}
	if want := []string{"", api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}; !slices.Equal(statuses, want) {
		t.Errorf("the statuses were %q", statuses)
	}
	if last.Commit != loopCommit || last.ImageTag != "0123456" || last.ImageDigest != loopDigest || last.BuildName != "r.example.com.ns.app.0123456."+last.ID {
		t.Errorf("the record is %+v", last)
	}
	for _, status := range []string{api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess} {
		if last.Steps[status].IsZero() {
			t.Errorf("no time for %q", status)
		}
	}
	want := []string{"build.log", manifest.Name(last.BuildName) + ".sig.tbz", "public.pem", "record.json"}
	if names := f.files(last.ID); !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, not %q", names, want)
	}
	if saved, ok := savedRecord(f.volume, last.ID); !ok || saved.Status != api.StatusSuccess {
		t.Errorf("the saved record is %+v", saved)
	}
	f.checkNothingLeft()
}

// TestEachFailureEndsTheBuild fails each operation once. The next build of the
// same server succeeds.
func TestEachFailureEndsTheBuild(t *testing.T) {
	const (
		repository = "r.example.com/ns/app"
		tagged     = repository + ":0123456"
	)
	for operation, command := range map[string]string{
		"connect":          "docker version",
		"remove leftovers": "docker image rm --force " + repository,
		"clone":            "git clone --depth 1 git@git.example.com:ns/app.git",
		"build":            "docker build -t " + tagged + " -t " + repository + ":latest -f Dockerfile .",
		"push":             "docker push " + tagged,
		"tag":              "docker push " + tagged,
		"save":             "docker save " + tagged,
		"scan":             "docker sbom --format spdx-json " + tagged,
		"sign":             "cosign sign --key <KEY> " + repository + "@" + loopDigest,
		"state sbom":       "cosign attest --key <KEY> --type spdxjson " + repository + "@" + loopDigest,
		"attach sbom":      "cosign attest --key <KEY> --type spdxjson " + repository + "@" + loopDigest,
		"state provenance": "cosign attest --key <KEY> --type slsaprovenance1 " + repository + "@" + loopDigest,
		"attach provenance": "cosign attest --key <KEY> --type slsaprovenance1 " +
			repository + "@" + loopDigest,
	} {
		t.Run(operation, func(t *testing.T) {
			f := newFixture(t)
			f.during = func(_ context.Context, reached string) error {
				if reached == operation {
					return fmt.Errorf("%s: broken with the-password in it", operation)
				}
				return nil
			}
			f.checkFailed(f.run(), command, operation+": broken with <DOCKER_PASSWORD> in it")
			f.during = nil
			if again := f.run(); again.Status != api.StatusSuccess {
				t.Errorf("the next build ended as %q: %s", again.Status, again.Cause)
			}
		})
	}
}

// TestEachOperationCanBeCancelled stops a build in each of its operations: it ends
// with the cause, and leaves nothing.
func TestEachOperationCanBeCancelled(t *testing.T) {
	stopped := errors.New("stopped by clean")
	for _, operation := range []string{"connect", "remove leftovers", "clone", "build", "push", "tag", "save", "scan", "sign", "state sbom", "attach sbom", "state provenance", "attach provenance"} {
		t.Run(operation, func(t *testing.T) {
			f := newFixture(t)
			reached := make(chan struct{})
			f.during = func(ctx context.Context, at string) error {
				if at != operation {
					return nil
				}
				close(reached)
				<-ctx.Done()
				return errors.New("the connection broke")
			}
			if err := f.pipeline.Begin(loopParameters()); err != nil {
				t.Fatal(err)
			}
			<-reached
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := f.slot.Stop(ctx, stopped); err != nil {
				t.Fatal(err)
			}
			last := f.wait()
			if !api.Failed(last.Status) || last.Cause != stopped.Error() {
				t.Errorf("ended as %q: %s", last.Status, last.Cause)
			}
			f.checkNothingLeft()
		})
	}
}

// TestOneBuildAtATime begins a second build during the first.
func TestOneBuildAtATime(t *testing.T) {
	f := newFixture(t)
	var second error
	f.during = func(_ context.Context, operation string) error {
		if operation == "clone" {
			second = f.pipeline.Begin(loopParameters())
		}
		return nil
	}
	if last := f.run(); last.Status != api.StatusSuccess {
		t.Errorf("the first build ended as %q: %s", last.Status, last.Cause)
	}
	if !errors.Is(second, job.ErrBusy) {
		t.Errorf("the second build: %v", second)
	}
}

// TestNoManifestWithoutItsRecord makes the record of a success unwritable: the
// manifest, which claims success, goes.
func TestNoManifestWithoutItsRecord(t *testing.T) {
	f := newFixture(t)
	f.during = func(_ context.Context, operation string) error {
		if operation != "attach provenance" {
			return nil
		}
		return os.MkdirAll(filepath.Join(f.dir, "builds", f.slot.State().Record.ID, "record.json", "in the way"), 0o700)
	}
	last := f.run()
	if !api.Failed(last.Status) || !strings.Contains(last.Cause, "record") {
		t.Errorf("ended as %q: %s", last.Status, last.Cause)
	}
	for _, name := range f.files(last.ID) {
		if strings.Contains(name, ".tbz") {
			t.Errorf("the manifest %s is left", name)
		}
	}
	f.checkNothingLeft()
}

// TestAPanicFailsOneBuild lets each operation panic: that build fails, the stack is
// in the server's log without a secret, and the next build succeeds.
func TestAPanicFailsOneBuild(t *testing.T) {
	for _, operation := range []string{"connect", "remove leftovers", "clone", "build", "push", "tag", "save", "scan", "sign", "state sbom", "attach provenance", "clear cache", "remove"} {
		t.Run(operation, func(t *testing.T) {
			f := newFixture(t)
			var log bytes.Buffer
			f.pipeline.Logger = slog.New(slog.NewTextHandler(&log, nil))
			f.during = func(_ context.Context, reached string) error {
				if reached == operation {
					panic("broken with the-password in it")
				}
				return nil
			}
			last := f.run()
			f.during = nil
			afterBuild := operation == "clear cache" || operation == "remove" // its failure is no failure of the build
			if !afterBuild {
				if !api.Failed(last.Status) || !strings.Contains(last.Cause, "the server has a fault") {
					t.Errorf("ended as %q: %s", last.Status, last.Cause)
				}
				if !strings.Contains(log.String(), "loop_test.go") {
					t.Errorf("the server's log has no stack: %s", log.String())
				}
			}
			if strings.Contains(log.String(), "the-password") || strings.Contains(last.Cause, "the-password") {
				t.Errorf("the password is in the log or the cause: %s, %s", log.String(), last.Cause)
			}
			f.checkNothingLeft()
			if again := f.run(); again.Status != api.StatusSuccess {
				t.Errorf("the next build ended as %q: %s", again.Status, again.Cause)
			}
		})
	}
}

// TestClassicBuilderUnderAPolicy: the classic builder does not report what it used.
func TestClassicBuilder(t *testing.T) {
	f := newFixture(t)
	f.version = engine.Version{Engine: "18.03", API: "1.37", OS: "linux", Arch: "amd64", Builder: engine.Classic, Fallback: "the Docker Engine offers no BuildKit"}
	last := f.run()
	if last.Status != api.StatusSuccess || last.Tools["builder"] != "classic" || last.Tools["builder fallback"] == "" {
		t.Errorf("without a policy it ended as %q: %s; its tools are %v", last.Status, last.Cause, last.Tools)
	}
	parameters := loopParameters()
	parameters.BasePolicy = api.BasePolicy{{Image: "*", Method: api.BaseDigest}}
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	last = f.wait()
	if !api.Failed(last.Status) || !strings.Contains(last.Cause, "the classic builder of Docker Engine 18.03 does not report which ones it used") {
		t.Errorf("under a policy it ended as %q: %s", last.Status, last.Cause)
	}
	if count := strings.Count(strings.Join(f.calls, ","), "build"); count != 1 {
		t.Errorf("it was built %d times", count)
	}
}
