package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// listed is a page of the history.
func (f *fixture) listed(query string) api.Builds {
	f.t.Helper()
	reply := f.request("GET", "/builds"+query, `""`)
	var page api.Builds
	if err := json.Unmarshal(reply.Body.Bytes(), &page); err != nil || reply.Code != http.StatusOK {
		f.t.Fatalf("/builds%s: %d %s %v", query, reply.Code, reply.Body, err)
	}
	return page
}

func TestHistory(t *testing.T) {
	f := newFixture(t)
	if got := f.request("GET", "/builds", "").Body.String(); got != `{"builds":[]}`+"\n" {
		t.Errorf("before the first build: %s", got)
	}
	old := f.keep(oldID, api.StatusSuccess, "")
	f.keep(newID, api.StatusSuccess, "")
	f.keep(failedID, api.FailureStatus("x"), "")
	page := f.listed("?limit=2")
	if len(page.Builds) != 2 || page.Builds[0].ID != failedID || page.Builds[1].ID != newID || page.Next != newID {
		t.Errorf("got %+v", page)
	}
	page = f.listed("?limit=2&before=" + page.Next)
	if len(page.Builds) != 1 || page.Next != "" {
		t.Fatalf("got %+v", page)
	}
	got := page.Builds[0]
	if got.BuildName != old.BuildName || got.Status != api.StatusSuccess || got.Image != old.Repository+"@"+old.ImageDigest || !got.Manifest || got.ManifestSize != int64(len("manifest of "+oldID)) {
		t.Errorf("got %+v", got)
	}
	for _, query := range []string{"?limit=0", "?limit=-1", "?limit=x", fmt.Sprintf("?limit=%d", api.MaxBuilds+1), "?before=" + strings.Repeat("2", 27)} {
		f.mustReturn("GET", "/builds"+query, "", http.StatusBadRequest)
	}
}

func TestRunningBuildIsListed(t *testing.T) {
	f := newFixture(t)
	f.keep(oldID, api.StatusSuccess, "")
	if _, err := f.data.Builds().Create(newID); err != nil {
		t.Fatal(err)
	}
	ends := make(chan struct{})
	err := f.Slot.Begin(job.Record{ID: newID, Status: api.StatusGitHubCloned, BuildName: "x." + newID}, func(_ context.Context, b *job.Build) job.Record { <-ends; return b.Record() })
	if err != nil {
		t.Fatal(err)
	}
	defer close(ends)
	page := f.listed("")
	if len(page.Builds) != 2 || page.Builds[0].ID != newID || page.Builds[0].Status != api.StatusGitHubCloned || page.Builds[0].BuildName != "x."+newID || page.Builds[1].Status != api.StatusSuccess {
		t.Errorf("got %+v", page.Builds)
	}
}

// TestRemovedManifest checks that a build whose manifest was removed is reported as such,
// and that its key is still served.
func TestRemovedManifest(t *testing.T) {
	f := newFixture(t)
	old := f.keep(oldID, api.StatusSuccess, "")
	f.keep(newID, api.StatusSuccess, "")
	build, err := f.data.Builds().Open(oldID)
	if err == nil {
		err = build.RemoveOutputs()
	}
	if err != nil {
		t.Fatal(err)
	}
	body := `{"BUILD_NAME":"` + old.BuildName + `"}`
	if got := f.mustReturn("GET", "/manifest", body, http.StatusGone); got.Code != api.CodeGone || !strings.Contains(got.Status, "BUILDS_KEPT_SIZE") {
		t.Errorf("got %+v", got)
	}
	if reply := f.request("GET", "/publickey", body); reply.Code != http.StatusOK {
		t.Errorf("the key: %d %s", reply.Code, reply.Body)
	}
	if err := build.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := f.mustReturn("GET", "/manifest", body, http.StatusNotFound); !strings.Contains(got.Status, "BUILDS_KEPT") {
		t.Errorf("got %+v", got)
	}
}

// TestDamagedRecord checks that it is named, that the other builds are served, and
// that it is served again once it is restored, without a restart.
func TestDamagedRecord(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	old := f.keep(oldID, api.StatusSuccess, "")
	latest := f.keep(newID, api.StatusSuccess, "")
	file := filepath.Join(f.dir, "builds", newID, "record.json")
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	manifest := func(record job.Record) string { return `{"BUILD_NAME":"` + record.BuildName + `"}` }
	for name, content := range map[string]string{
		"empty": "", "cut": string(saved[:len(saved)/2]), "flipped": strings.Replace(string(saved), "sha256:2022", "sha256:2032", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := f.mustReturn("GET", "/manifest", manifest(latest), http.StatusInternalServerError); got.Code != api.CodeVolume || !strings.Contains(got.Status, "builds/"+newID+"/record.json") {
				t.Errorf("got %+v", got)
			}
			page := f.listed("")
			if len(page.Builds) != 2 || !strings.Contains(page.Builds[0].Problem, "builds/"+newID+"/record.json") || page.Builds[1].Problem != "" {
				t.Errorf("got %+v", page.Builds)
			}
			if reply := f.request("GET", "/manifest", manifest(old)); reply.Code != http.StatusOK {
				t.Errorf("another build: %d %s", reply.Code, reply.Body)
			}
			if left, err := os.ReadFile(file); err != nil || string(left) != content {
				t.Errorf("the record was overwritten: %q, %v", left, err)
			}
		})
	}
	if err := os.WriteFile(file, saved, 0o600); err != nil {
		t.Fatal(err)
	}
	if reply := f.request("GET", "/manifest", manifest(latest)); reply.Code != http.StatusOK {
		t.Errorf("restored: %d %s", reply.Code, reply.Body)
	}
	if page := f.listed(""); page.Builds[0].Problem != "" || page.Builds[0].Status != api.StatusSuccess {
		t.Errorf("restored: %+v", page.Builds[0])
	}
}
