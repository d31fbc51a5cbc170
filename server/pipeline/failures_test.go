package pipeline

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/builder"
)

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
	for _, operation := range []string{"connect", "remove leftovers", "clone", "build", "push", "tag", "scan", "sign", "state sbom", "attach provenance", "remove"} {
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
			afterBuild := operation == "remove" // its failure is no failure of the build
			if !afterBuild {
				if !api.Failed(last.Status) || !strings.Contains(last.Cause, "the server has a fault") {
					t.Errorf("ended as %q: %s", last.Status, last.Cause)
				}
				if !strings.Contains(log.String(), "failures_test.go") {
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
	f.version = builder.Version{Builder: "classic", OS: "linux", Arch: "amd64", Fallback: "the Docker Engine offers no BuildKit"}
	last := f.run()
	if last.Status != api.StatusSuccess || last.Tools["builder"] != "classic" || last.Tools["builder fallback"] == "" {
		t.Errorf("without a policy it ended as %q: %s; its tools are %v", last.Status, last.Cause, last.Tools)
	}
	parameters := loopParameters()
	parameters.BasePolicy = api.BasePolicy{{Image: "*", Method: api.BaseDigest, Key: loopDigest}}
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	last = f.wait()
	if !api.Failed(last.Status) || !strings.Contains(last.Cause, "the builder classic does not report which ones it used") {
		t.Errorf("under a policy it ended as %q: %s", last.Status, last.Cause)
	}
	if count := strings.Count(strings.Join(f.calls, ","), "build"); count != 1 {
		t.Errorf("it was built %d times", count)
	}
}

// TestManifestIsStoredBeforeTheTags stores the manifest in a bucket: a build whose
// manifest can't be stored moves no tag and keeps no manifest.
func TestManifestIsStoredBeforeTheTags(t *testing.T) {
	parameters := loopParameters()
	parameters.ManifestStore = api.ObjectStore{Bucket: "manifests"}
	f := newFixture(t)
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	if last := f.wait(); last.Status != api.StatusSuccess {
		t.Fatalf("ended as %q: %s", last.Status, last.Cause)
	}
	if stored, tagged := slices.Index(f.calls, "store"), slices.Index(f.calls, "tag"); stored < 0 || stored > tagged {
		t.Errorf("the calls were %q", f.calls)
	}
	f = newFixture(t)
	f.during = func(_ context.Context, operation string) error {
		if operation == "store" {
			return errors.New("the bucket is gone")
		}
		return nil
	}
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	last := f.wait()
	f.checkFailed(last, "ibmcloud cos object-put --bucket manifests --key "+manifest.SignedName(manifest.Name(last.BuildName)), "the bucket is gone")
	if slices.Contains(f.calls, "tag") {
		t.Errorf("the calls were %q", f.calls)
	}
}

// TestInterruptedCommand: a build of which there is only the record names the step that
// was not finished, by the column of the table.
func TestInterruptedCommand(t *testing.T) {
	const tagged = "r.example.com/ns/app:0123456"
	for status, want := range map[string]string{
		"":                     "docker image rm --force r.example.com/ns/app",
		api.StatusCleanedUp:    "git clone git@git.example.com:ns/app.git",
		api.StatusGitHubCloned: "docker build -t " + tagged + " .",
		api.StatusImageBuilt:   "docker push " + tagged,
		api.StatusImagePushed:  "tar -cjf " + manifest.Name("the.name") + ".tbz data git",
		api.StatusSuccess:      "tar -cjf " + manifest.Name("the.name") + ".tbz data git",
	} {
		last := record.Record{Status: status, Repository: "r.example.com/ns/app", ImageTag: "0123456", BuildName: "the.name", Parameters: map[string]any{"GITHUB_URL": "git@git.example.com:ns/app.git"}}
		if got := interruptedCommand(last); got != want {
			t.Errorf("after %q: %q, want %q", status, got, want)
		}
	}
}
