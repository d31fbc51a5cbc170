//go:build stack

// The data volume in the eyes of an auditor who has the image secret.
package crash

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/job"
)

// content is what a volume holds: each file by its path, each folder with a
// slash at its end. Only the latest builds are in it.
type content map[string]string

// latest is how many builds a content has: to read more would take the time of
// many instants.
const latest = 10

// content reads the volume. Each file is whole, because each is written so; all of
// them belong together only while nothing is going on.
func (env *environment) content(t testing.TB) content {
	t.Helper()
	top := os.DirFS(env.Server.Volume())
	ids := buildIDs(t, top)
	old := ids[:max(0, len(ids)-latest)]
	found := content{}
	err := fs.WalkDir(top, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // likewise
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(old, strings.TrimPrefix(name, "builds/")):
			return fs.SkipDir
		case entry.IsDir():
			found[name+"/"] = ""
			return nil
		}
		text, err := fs.ReadFile(top, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a server that runs has just written or removed it
		}
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// buildIDs are the ids of all builds, oldest first.
func buildIDs(t testing.TB, top fs.FS) []string {
	t.Helper()
	entries, err := fs.ReadDir(top, "builds")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	ids := make([]string, len(entries))
	for i, entry := range entries {
		ids[i] = entry.Name()
	}
	return ids
}

const (
	sealedFolder = "sealed/"
	temporary    = ".partial"
)

// equal tells whether two contents are the same.
func (c content) equal(other content) bool { return maps.Equal(c, other) }

// opened is c with its secrets in clear, and without what was being written.
func (env *environment) opened(t testing.TB, c content) content {
	t.Helper()
	clear := maps.Clone(c)
	maps.DeleteFunc(clear, func(file, _ string) bool { return strings.HasSuffix(file, temporary) })
	for file, text := range clear {
		name, sealed := strings.CutPrefix(file, sealedFolder)
		if !sealed || strings.HasSuffix(file, "/") {
			continue
		}
		secret, err := env.inside.Unseal(name, []byte(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		clear[file] = string(secret)
	}
	return clear
}

// keys are the signing keys in c, which is opened: what is sealed and is
// neither parameters nor what is merely remembered.
func (c content) keys() content {
	keys := content{}
	for file, text := range c {
		name, sealed := strings.CutPrefix(file, sealedFolder)
		if sealed && !strings.HasSuffix(file, "/") && !strings.HasPrefix(name, "dct/gun/") &&
			!slices.Contains([]string{"parameters", "imported-parameters", "state/generation"}, name) {
			keys[file] = text
		}
	}
	return keys
}

// record is the record of a build as it lies in its folder.
func (c content) record(id string) (record job.Record, ok bool) {
	text, ok := c["builds/"+id+"/record.json"]
	return record, ok && json.Unmarshal([]byte(text), &record) == nil
}

// job is the state of the job as it lies on the volume; before the first build
// there is none.
func (c content) job(t testing.TB) (state job.State) {
	t.Helper()
	text, ok := c["job.json"]
	if !ok {
		return state
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Errorf("job.json: %v: %q", err, text)
	}
	return state
}

// whole fails for anything on the volume that is half done.
func (c content) whole(t testing.TB) {
	t.Helper()
	for file := range c {
		switch {
		case strings.HasSuffix(file, temporary):
			t.Errorf("the temporary file %s is left", file)
		case file == "import":
			t.Error("an import is not finished")
		case strings.HasPrefix(file, "work/") && file != "work/":
			t.Errorf("%s is left in the scratch space", file)
		case path.Dir(strings.TrimSuffix(file, "/")) == "builds":
			c.wholeBuild(t, path.Base(file))
		}
	}
	if c.job(t).Running {
		t.Error("job.json says that a build runs")
	}
}

// wholeBuild checks a build's record against its folder. One that was imported
// has neither log nor manifest.
func (c content) wholeBuild(t testing.TB, id string) {
	t.Helper()
	folder := "builds/" + id + "/"
	record, ok := c.record(id)
	if !ok || record.ID != id {
		t.Errorf("build %s has no record, or half of one: %q", id, c[folder+"record.json"])
		return
	}
	if record.Status != api.StatusSuccess && !api.Failed(record.Status) {
		t.Errorf("build %s ended with the status %q", id, record.Status)
	}
	_, logged := c[folder+"build.log"]
	if record.Status != api.StatusSuccess {
		return
	}
	for _, name := range []string{"public.pem", manifest.Name(record.BuildName) + ".sig.tbz"} {
		if _, there := c[folder+name]; !there && (logged || name == "public.pem") {
			t.Errorf("build %s is a success without %s", id, name)
		}
	}
}

// kept fails when a key or a finished build that was in before is not in after,
// or is not the same. Both are opened.
func kept(t testing.TB, before, after content) {
	t.Helper()
	for file, key := range before.keys() {
		if after[file] != key {
			t.Errorf("the key %s is lost", file)
		}
	}
	oldest := ""
	for file := range after {
		if id := path.Base(path.Dir(file)); strings.HasPrefix(file, "builds/") && strings.HasSuffix(file, "/record.json") && (oldest == "" || id < oldest) {
			oldest = id
		}
	}
	for file, text := range before {
		id, _, _ := strings.Cut(strings.TrimPrefix(file, "builds/"), "/")
		if _, finished := before.record(id); !finished || id < oldest {
			continue // no build that has ended, or too old to be looked at
		}
		if now, there := after[file]; !there || now != text {
			t.Errorf("%s is not as it was", file)
		}
	}
}

// same fails for each file or folder that is in one and not the same in the
// other.
func same(t testing.TB, what string, got, want content) {
	t.Helper()
	for _, file := range slices.Sorted(maps.Keys(want)) {
		if text, there := got[file]; !there || text != want[file] {
			t.Errorf("%s: %s is missing or another one", what, file)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(got)) {
		if _, there := want[file]; !there {
			t.Errorf("%s: %s should not be there", what, file)
		}
	}
}
