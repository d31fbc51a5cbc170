package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

// id is the id of the build of that number.
func id(number int) string {
	return time.Date(2021, 2, 10, 0, number, 0, 0, time.UTC).Format(volume.IDLayout)
}

const failed = "exiting due to a non-zero return value: 1, cmd: docker build -t x ."

// record is about as long as those of real builds.
func recordText(number int, status string) []byte {
	text, err := json.MarshalIndent(map[string]any{
		"id": id(number), "status": status, "build_name": "docker.io.namespace.name.v1-abcdefa." + id(number),
		"repository": "docker.io/namespace/name", "image_digest": fmt.Sprintf("sha256:%064x", number),
		"commit":     fmt.Sprintf("%040x", number),
		"parameters": map[string]any{"GITHUB_URL": "git@github.com:namespace/name.git", "ARG": map[string]string{"VERSION": strings.Repeat("1.2.3 ", 50)}},
		"signatures": []map[string]string{{"method": "simple", "public_key": strings.Repeat("key material ", 100)}},
		"started":    time.Date(2021, 2, 10, 0, number, 0, 0, time.UTC), "finished": time.Date(2021, 2, 10, 0, number, 30, 0, time.UTC),
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

// keep keeps a finished build with a manifest of that size.
func keep(t testing.TB, v *volume.Volume, number int, status string, manifest int) {
	t.Helper()
	build, err := v.Builds().Create(id(number))
	if err != nil {
		t.Fatal(err)
	}
	if manifest > 0 {
		p, err := build.CreateManifest("manifest.x.sig.tbz")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(make([]byte, manifest)); err != nil {
			t.Fatal(err)
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := build.SaveRecord(recordText(number, status)); err != nil {
		t.Fatal(err)
	}
}

func ids(page []api.Build) (listed []string) {
	for _, build := range page {
		listed = append(listed, build.ID)
	}
	return listed
}

func TestList(t *testing.T) {
	v := plainvolume.Open(t, t.TempDir())
	for number := range 5 {
		keep(t, v, number, api.StatusSuccess, 1000)
	}
	b := New(v.Builds(), v.Space)
	for _, test := range []struct {
		before string
		limit  int
		want   []string
		more   bool
	}{
		{"", 10, []string{id(4), id(3), id(2), id(1), id(0)}, false},
		{"", 5, []string{id(4), id(3), id(2), id(1), id(0)}, false},
		{"", 2, []string{id(4), id(3)}, true},
		{id(3), 2, []string{id(2), id(1)}, true},
		{id(1), 2, []string{id(0)}, false},
		{id(0), 2, nil, false},
		{"2021-02-10_00-02-30.000000", 2, []string{id(2), id(1)}, true}, // one that was removed
		{"2020", 2, nil, false},
	} {
		page, more, err := b.List(test.before, test.limit)
		if err != nil || !slices.Equal(ids(page), test.want) || more != test.more {
			t.Errorf("before %q, limit %d: %q, %v, %v", test.before, test.limit, ids(page), more, err)
		}
	}
	page, _, err := b.List("", 1)
	if err != nil {
		t.Fatal(err)
	}
	got := page[0]
	want := api.Build{
		ID: id(4), Status: api.StatusSuccess, BuildName: "docker.io.namespace.name.v1-abcdefa." + id(4),
		Image:   "docker.io/namespace/name@sha256:" + fmt.Sprintf("%064x", 4),
		Started: time.Date(2021, 2, 10, 0, 4, 0, 0, time.UTC), Finished: time.Date(2021, 2, 10, 0, 4, 30, 0, time.UTC),
		Manifest: true, ManifestSize: 1000, Size: got.Size,
	}
	if got != want || got.Size < 1000 {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestFoldersAreTheTruth checks that the history notices all changes of the folders by
// itself.
func TestFoldersAreTheTruth(t *testing.T) {
	dir := t.TempDir()
	v := plainvolume.Open(t, dir)
	for number := range 3 {
		keep(t, v, number, api.StatusSuccess, 1000)
	}
	b := New(v.Builds(), v.Space)
	latest := func(want string) {
		t.Helper()
		if got, err := b.LatestSuccess(); err != nil || got.ID != want {
			t.Errorf("the latest success is %+v, %v; want %q", got, err, want)
		}
	}
	latest(id(2))
	if err := v.Import(volume.Import{Builds: []volume.ImportedBuild{{ID: id(7), Record: recordText(7, api.StatusSuccess), PublicKey: []byte("key")}}}); err != nil {
		t.Fatal(err)
	}
	latest(id(7))
	file := filepath.Join(dir, "builds", id(7), "record.json")
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]string{"empty": "", "cut": string(saved[:100]), "changed": strings.Replace(string(saved), "docker.io", "docker.oi", 1)} {
		if err := os.WriteFile(file, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		page, _, err := b.List("", 10)
		if err != nil || len(page) != 4 || page[0].ID != id(7) || !strings.Contains(page[0].Problem, "builds/"+id(7)+"/record.json") {
			t.Errorf("%s: %+v, %v; want a problem that names the file", name, page, err)
		}
		latest(id(2))
	}
	if err := os.WriteFile(file, saved, 0o600); err != nil {
		t.Fatal(err)
	}
	latest(id(7))
	for _, gone := range []int{7, 2, 1, 0} {
		latest(id(gone))
		if err := os.RemoveAll(filepath.Join(dir, "builds", id(gone))); err != nil {
			t.Fatal(err)
		}
	}
	latest("")
	keep(t, v, 9, failed, 0)
	if _, err := v.Builds().Create(id(10)); err != nil { // it runs
		t.Fatal(err)
	}
	latest("")
	page, _, err := b.List("", 10)
	if err != nil || len(page) != 2 || page[0] != (api.Build{ID: id(10)}) || page[1].Status != failed || page[1].Manifest {
		t.Errorf("listed %+v, %v", page, err)
	}
}

func TestRecordOfAnotherBuild(t *testing.T) {
	v := plainvolume.Open(t, t.TempDir())
	build, err := v.Builds().Create(id(1))
	if err == nil {
		err = build.SaveRecord([]byte(`{"id": 7}`))
	}
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := New(v.Builds(), v.Space).List("", 10)
	if err != nil || len(page) != 1 || page[0].ID != id(1) || !strings.Contains(page[0].Problem, id(1)) {
		t.Errorf("listed %+v, %v", page, err)
	}
}

func TestUnreadableVolume(t *testing.T) {
	v := plainvolume.Open(t, t.TempDir())
	b := New(v.Builds(), v.Space)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, listed := b.List("", 10)
	_, latest := b.LatestSuccess()
	_, trimmed := b.Trim(Limits{Count: 1, Space: 1}, "")
	for what, err := range map[string]error{"list": listed, "latest": latest, "trim": trimmed} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
