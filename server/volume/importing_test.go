package volume

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

var incoming = Import{
	Secrets: map[string][]byte{"manifest/key": []byte("new"), "dct/a": []byte("a")},
	Builds: []ImportedBuild{
		{ID: "2021-02-10_15-37-37.178350", Record: []byte("first"), PublicKey: []byte("key 1")},
		{ID: "2022-02-10_15-37-37.178350", Record: []byte("second"), PublicKey: []byte("key 2")},
	},
}

func (v *Volume) holds(t *testing.T, from Import) {
	t.Helper()
	for name, want := range from.Secrets {
		if got, err := v.Get(name); err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, want := range from.Builds {
		build, err := v.Build(want.ID)
		if err != nil {
			t.Fatal(err)
		}
		record, err := build.Record()
		key, keyErr := build.PublicKey()
		if string(record) != string(want.Record) || string(key) != string(want.PublicKey) {
			t.Errorf("build %s: %q %v, %q %v", want.ID, record, err, key, keyErr)
		}
	}
	if _, err := v.root.Stat(fileImport); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
}

func TestImport(t *testing.T) {
	v := openAt(t, t.TempDir())
	if err := v.Put("manifest/key", []byte("old")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := v.Import(incoming); err != nil {
			t.Fatal(err)
		}
		v.holds(t, incoming)
	}
	for _, wrong := range []Import{
		{Secrets: map[string][]byte{"../x": nil}},
		{Builds: []ImportedBuild{{ID: "../../x"}}},
	} {
		if err := v.Import(wrong); err == nil {
			t.Errorf("%+v was imported", wrong)
		}
	}
}

func TestImportLeavesFinishedBuildsAlone(t *testing.T) {
	v := openAt(t, t.TempDir())
	build, err := v.CreateBuild(incoming.Builds[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := build.SaveRecord([]byte("as it was")); err != nil {
		t.Fatal(err)
	}
	if err := v.Import(incoming); err != nil {
		t.Fatal(err)
	}
	if record, err := build.Record(); err != nil || string(record) != "as it was" {
		t.Errorf("the record is %q now, %v", record, err)
	}
}

// TestImportIsFinishedAtOpen cuts an import behind its journal after any number
// of its steps. Before the journal is durable nothing has happened.
func TestImportIsFinishedAtOpen(t *testing.T) {
	for done := range len(incoming.Builds) + 1 {
		dir := t.TempDir()
		v := openAt(t, dir)
		journal, err := json.Marshal(incoming)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := v.sealer.Seal(fileImport, journal)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.writeFile(fileImport, sealed, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, build := range incoming.Builds[:done] {
			if err := v.applyBuild(build); err != nil {
				t.Fatal(err)
			}
		}
		if done < len(incoming.Builds) { // cut within a build
			if _, err := v.CreateBuild(incoming.Builds[done].ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		openAt(t, dir).holds(t, incoming)
	}
}

func TestDamagedJournalIsNamedAndKept(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, fileImport)
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, reversing{}); !errors.Is(err, errNotOurs) {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "damaged" {
		t.Errorf("the journal now holds %q, %v", content, err)
	}
}
