//go:build stack

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

// content is the content of a volume: each file by its path, each folder by its path
// with a slash at the end. It has only the latest builds.
type content map[string]string

// maxBuilds is the number of builds in a content. Reading more takes too long.
const maxBuilds = 10

// content reads the volume. Each file is complete, because the server replaces files
// atomically. The files are consistent with each other only while no operation runs.
func (env *environment) content(t testing.TB) content {
	t.Helper()
	top := os.DirFS(env.Server.Volume())
	ids := buildIDs(t, top)
	old := ids[:max(0, len(ids)-maxBuilds)]
	found := content{}
	err := fs.WalkDir(top, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a running server has removed it
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
			return nil // the same
		}
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// buildIDs returns the ids of all builds, oldest first.
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

// equal reports whether two contents are the same.
func (c content) equal(other content) bool { return maps.Equal(c, other) }

// unsealed returns c with its sealed files unsealed, and without temporary files.
func (env *environment) unsealed(t testing.TB, c content) content {
	t.Helper()
	result := maps.Clone(c)
	maps.DeleteFunc(result, func(file, _ string) bool { return strings.HasSuffix(file, temporary) })
	for file, text := range result {
		name, sealed := strings.CutPrefix(file, sealedFolder)
		if !sealed || strings.HasSuffix(file, "/") {
			continue
		}
		secret, err := env.simulated.Unseal(name, []byte(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		result[file] = string(secret)
	}
	return result
}

// keys returns the signing keys in c, which is unsealed: the sealed files except
// parameters, the state's generation and cached trust data.
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

// record returns the record of a build from its folder.
func (c content) record(id string) (record job.Record, ok bool) {
	text, ok := c["builds/"+id+"/record.json"]
	return record, ok && json.Unmarshal([]byte(text), &record) == nil
}

// job returns the stored state of the job; it is zero before the first build.
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

// checkComplete fails when the volume has temporary files, an unfinished import, an
// incomplete build or a running one.
func (c content) checkComplete(t testing.TB) {
	t.Helper()
	for file := range c {
		switch {
		case strings.HasSuffix(file, temporary):
			t.Errorf("the temporary file %s was not removed", file)
		case file == "import":
			t.Error("an import is not finished")
		case strings.HasPrefix(file, "work/") && file != "work/":
			t.Errorf("the temporary file %s was not removed", file)
		case path.Dir(strings.TrimSuffix(file, "/")) == "builds":
			c.checkBuild(t, path.Base(file))
		}
	}
	if c.job(t).Running {
		t.Error("job.json has the state of a running build")
	}
}

// checkBuild checks a build's record and the files in its folder. An imported build
// has neither log nor manifest.
func (c content) checkBuild(t testing.TB, id string) {
	t.Helper()
	folder := "builds/" + id + "/"
	record, ok := c.record(id)
	if !ok || record.ID != id {
		t.Errorf("build %s has no record, or an incomplete one: %q", id, c[folder+"record.json"])
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
		if _, stored := c[folder+name]; !stored && (logged || name == "public.pem") {
			t.Errorf("build %s succeeded, but has no %s", id, name)
		}
	}
}

// checkKept fails when a key or a finished build of before is missing or different in
// after. Both are unsealed.
func checkKept(t testing.TB, before, after content) {
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
			continue // not a finished build, or not in after because of its age
		}
		if now, found := after[file]; !found || now != text {
			t.Errorf("%s was changed or removed", file)
		}
	}
}

// checkEqual fails for each file or folder in which the two contents differ.
func checkEqual(t testing.TB, what string, got, want content) {
	t.Helper()
	for _, file := range slices.Sorted(maps.Keys(want)) {
		if text, found := got[file]; !found || text != want[file] {
			t.Errorf("%s: %s is missing or different", what, file)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(got)) {
		if _, found := want[file]; !found {
			t.Errorf("%s: %s should not exist", what, file)
		}
	}
}
