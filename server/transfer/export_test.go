package transfer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

func TestExport(t *testing.T) {
	f := built(t)
	f.put("local/secret", "declared to stay")
	f.put("new/secret", "of a package that declared nothing")
	f.put("dct/new/secret", "below the names of another package")
	image, err := f.Export()
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(image.State))); image.Name != "name."+id(2) || image.ExportTag != want {
		t.Errorf("got %s, %s", image.Name, image.ExportTag)
	}
	state := f.opened(image.State)
	if names := slices.Sorted(maps.Keys(state.Secrets)); !slices.Equal(names, []string{"manifest/key", "records/1"}) {
		t.Errorf("exported are %q", names)
	}
	if len(state.Builds) != 2 || state.Builds[0].ID != id(2) || state.Builds[1].PublicKey != "key of "+id(1) {
		t.Errorf("exported are the builds %+v", state.Builds)
	}
	for _, hidden := range []string{"pass-word", secret} {
		if strings.Contains(string(state.Parameters), hidden) {
			t.Errorf("the parameters hold %q", hidden)
		}
	}
	if state.Repository != "docker.io/namespace/name" || state.BuildName != image.Name {
		t.Errorf("it is the state of %s, %s", state.Repository, state.BuildName)
	}
}

func TestExportNeedsIdleServerWithASuccess(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Export(); !errors.Is(err, parameters.ErrNotInitialised) {
		t.Errorf("before init: %v", err)
	}
	f.init("namespace/name", secret)
	f.build(1, api.FailureStatus("x"))
	before := plainvolume.Files(t, f.dir)
	if _, err := f.Export(); !errors.Is(err, history.ErrNoSuccess) {
		t.Errorf("before a success: %v", err)
	}
	if !maps.Equal(before, plainvolume.Files(t, f.dir)) {
		t.Error("the volume changed")
	}
	f.put("manifest/key", "the manifest key")
	f.build(2, api.StatusSuccess)
	f.slot.running = true
	if _, err := f.Export(); !errors.Is(err, job.ErrBusy) {
		t.Errorf("while a build runs: %v", err)
	}
}

// TestGenerations checks that no two exports have the same, not even on two servers of
// which one continues after the other, and that an older state sets none back.
func TestGenerations(t *testing.T) {
	f := built(t)
	first := f.export()
	second := f.export()
	next := newFixture(t)
	for _, text := range []string{second, first} {
		if err := next.Import(secret, text); err != nil {
			t.Fatal(err)
		}
	}
	next.init("namespace/name", secret)
	for i, text := range []string{first, second, next.export()} {
		if got := f.opened(text).Generation; got != uint64(i+1) {
			t.Errorf("state %d has generation %d", i+1, got)
		}
	}
}

// TestExportIsBounded checks that the latest builds are exported as far as they fit,
// and keys always.
func TestExportIsBounded(t *testing.T) {
	f := built(t)
	folder, err := f.data.Builds().Open(id(1))
	if err != nil {
		t.Fatal(err)
	}
	large := `{"status":"success","build_name":"name","cause":"` + strings.Repeat("x", maxBuildsBytes) + `"}`
	if err := folder.SaveRecord([]byte(large)); err != nil {
		t.Fatal(err)
	}
	state := f.opened(f.export())
	if len(state.Builds) != 1 || state.Builds[0].ID != id(2) || len(state.Secrets) != 2 {
		t.Errorf("exported are %d builds and %d secrets", len(state.Builds), len(state.Secrets))
	}
}
