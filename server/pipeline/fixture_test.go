package pipeline

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

const (
	loopCommit = "0123456789abcdef0123456789abcdef01234567"
	loopDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir()}
	f.version = builder.Version{Builder: "buildkit", OS: "linux", Arch: "amd64", ReportsSources: true}
	f.volume = plainvolume.Open(t, f.dir)
	if err := f.volume.Secrets().Put("manifest/key", sharedKey()); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.slot, err = job.Open(f.volume.Job(), Recover(f.volume.Builds())); err != nil {
		t.Fatal(err)
	}
	f.pipeline = New(Config{
		Slot: f.slot, Builds: f.volume.Builds(), History: history.New(f.volume.Builds(), f.volume.Space),
		KeyStore: f.volume.Secrets(), Disk: f.volume, Scratch: f.volume.Work(),
		Clone: f.clone,
		Connect: func(ctx context.Context) (Builder, error) {
			return fakeBuilder{f}, f.reach(ctx, "connect")
		},
		Signers: map[string]Signer{api.SigningSigstore: fakeSigner{f}},
		Bases:   baseimage.Verifiers{api.BaseDigest: baseimage.Reviewed},
		Pusher:  fakePusher{f},
		CheckDockerfile: func(_ context.Context, request dockerfile.Request) error {
			return dockerfile.CheckSyntax(request.Text, request.Environment.Args)
		},
		Scan:      f.scan,
		OpenStore: f.openStore,
		Attester:  fakeSigner{f},
		Enclave:   "simulated", Version: "test",
	})
	return f
}

// sharedKey is a manifest key in its sealed form, one for all tests: generating one
// takes a second.
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

// reach records the operation, checks that nothing is visible that is not durable, and
// returns the error of the test for it.
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

// checkNothingLeft checks that the build was cleaned up.
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
	saved, ok := savedRecord(f.volume.Builds(), last.ID)
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
