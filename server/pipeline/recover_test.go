package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

const (
	testID  = "2021-02-10_15-37-37.178350"
	otherID = "2021-02-11_15-37-37.178350"
)

// cut returns a volume with a build that was interrupted after its manifest.
func cut(t *testing.T, id string) (*volume.Volume, volume.Build, string) {
	t.Helper()
	dir := t.TempDir()
	v := plainvolume.Open(t, dir)
	build, err := v.Builds().Create(id)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := build.CreateManifest("manifest.x.sig.tbz")
	if err == nil {
		err = signed.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	return v, build, filepath.Join(dir, "builds", id)
}

func saved(t *testing.T, build volume.Build) (record record.Record) {
	t.Helper()
	text, err := build.Record()
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// TestInterrupted: an interrupted build is recorded as a failure, also in its folder,
// and its manifest, which would claim success, is removed.
func TestInterrupted(t *testing.T) {
	v, build, folder := cut(t, testID)
	last := Recover(v.Builds())(record.Record{ID: testID, Status: api.StatusImagePushed, BuildName: "x." + testID})
	if !api.Failed(last.Status) || last.Cause != interrupted {
		t.Errorf("got %+v", last)
	}
	if kept := saved(t, build); kept.Status != last.Status || kept.Cause != last.Cause || kept.BuildName != last.BuildName {
		t.Errorf("kept is %+v", kept)
	}
	if _, err := os.Stat(filepath.Join(folder, "manifest.x.sig.tbz")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the manifest: %v", err)
	}
}

// TestEndedJustBefore: the saved end of a build is kept.
func TestEndedJustBefore(t *testing.T) {
	v, build, folder := cut(t, testID)
	if err := build.SaveRecord([]byte(`{"id":"` + testID + `","status":"success"}`)); err != nil {
		t.Fatal(err)
	}
	if last := Recover(v.Builds())(record.Record{ID: testID, Status: api.StatusImagePushed}); last.Status != api.StatusSuccess {
		t.Errorf("got %+v", last)
	}
	if _, err := os.Stat(filepath.Join(folder, "manifest.x.sig.tbz")); err != nil {
		t.Errorf("the manifest: %v", err)
	}
}

// TestDamagedEnd: the cause names a damaged record, which is not replaced.
func TestDamagedEnd(t *testing.T) {
	v, _, folder := cut(t, testID)
	file := filepath.Join(folder, "record.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	last := Recover(v.Builds())(record.Record{ID: testID, Status: api.StatusImagePushed})
	if !api.Failed(last.Status) || !strings.Contains(last.Cause, "record.json") {
		t.Errorf("got %+v", last)
	}
	if left, err := os.ReadFile(file); err != nil || string(left) != "{" {
		t.Errorf("the record is %q now, %v", left, err)
	}
}

// TestReconcileInterrupted: every build gets an end, and one that has an end keeps it.
func TestReconcileInterrupted(t *testing.T) {
	v, build, _ := cut(t, testID)
	other, err := v.Builds().Create(otherID)
	if err == nil {
		err = other.SaveRecord([]byte(`{"id":"` + otherID + `","status":"success"}`))
	}
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{Builds: v.Builds(), History: history.New(v.Builds(), v.Space)})
	for range 2 {
		if err := p.ReconcileInterrupted(); err != nil {
			t.Fatal(err)
		}
		if kept := saved(t, build); kept.ID != testID || !api.Failed(kept.Status) || kept.Cause != interrupted {
			t.Errorf("kept is %+v", kept)
		}
		if kept := saved(t, other); kept.Status != api.StatusSuccess {
			t.Errorf("the other one is %+v", kept)
		}
	}
}

// TestLatestIsSavedLater: a failure whose record could not be written on a full volume
// is recorded as it was, not as an interruption.
func TestLatestIsSavedLater(t *testing.T) {
	v, build, folder := cut(t, testID)
	slot, err := job.Open(v.Job(), func(r record.Record) record.Record { return r })
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{Builds: v.Builds(), Slot: slot})
	if err := p.saveLatest(); err != nil {
		t.Errorf("without a build: %v", err)
	}
	failed := record.Record{ID: testID, Status: api.FailureStatus("git clone x"), Cause: "the data volume is full"}
	if err := slot.Begin(record.Record{ID: testID}, func(context.Context, *job.Build) record.Record { return failed }); err != nil {
		t.Fatal(err)
	}
	for state, changed := slot.Watch(); state.Running; state, changed = slot.Watch() {
		<-changed
	}
	if err := p.saveLatest(); err != nil {
		t.Fatal(err)
	}
	if kept := saved(t, build); kept.Status != failed.Status || kept.Cause != failed.Cause {
		t.Errorf("kept is %+v", kept)
	}
	const other = `{"id":"` + testID + `","status":"kept"}`
	if err := os.WriteFile(filepath.Join(folder, "record.json"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.saveLatest(); err != nil || saved(t, build).Status != "kept" {
		t.Errorf("a record that is there was written over: %v", err)
	}
}
