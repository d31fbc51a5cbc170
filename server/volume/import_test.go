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
		{ID: "2021-02-10_15-37-37.178350", Record: []byte("{\n  \"n\": 1\n}\n"), PublicKey: []byte("key 1")},
		{ID: "2022-02-10_15-37-37.178350", Record: []byte("{\n  \"n\": 2\n}\n"), PublicKey: []byte("key 2")},
	},
}

func (v *Volume) holds(t *testing.T, from Import) {
	t.Helper()
	for name, want := range from.Secrets {
		if got, err := v.Secrets().Get(name); err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, want := range from.Builds {
		build, err := v.Builds().Open(want.ID)
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
	if err := v.Secrets().Put("manifest/key", []byte("old")); err != nil {
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
	const before = "{\n  \"as\": \"it was\"\n}\n"
	build, err := v.Builds().Create(incoming.Builds[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := build.SaveRecord([]byte(before)); err != nil {
		t.Fatal(err)
	}
	if err := v.Import(incoming); err != nil {
		t.Fatal(err)
	}
	if record, err := build.Record(); err != nil || string(record) != before {
		t.Errorf("the record is %q now, %v", record, err)
	}
}

// TestImportIsFinishedAtOpen interrupts an import after its journal and any number
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
			if _, err := v.Builds().Create(incoming.Builds[done].ID); err != nil {
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
	v := openAt(t, dir) // what was there before stays readable
	for what, err := range map[string]error{"finish": v.FinishImport(), "import": v.Import(incoming)} {
		var sealed *SealedError
		if !errors.As(err, &sealed) || sealed.File != fileImport || !errors.Is(err, errNotOurs) {
			t.Errorf("%s: got %v, want an error that names the journal", what, err)
		}
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "damaged" {
		t.Errorf("the journal now holds %q, %v", content, err)
	}
}

// TestImportOverFileThatCannotBeUnsealed checks that it is refused before its
// first write: half-way it could neither go on nor back.
func TestImportOverFileThatCannotBeUnsealed(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	if err := v.Secrets().Put("manifest/key", []byte("old")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, folderSealed, "manifest", "key")
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	var sealed *SealedError
	if err := v.Import(incoming); !errors.As(err, &sealed) || sealed.File != "sealed/manifest/key" {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if _, err := os.Stat(filepath.Join(dir, fileImport)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal: %v", err)
	}
	if names, err := v.Secrets().List(""); err != nil || len(names) != 1 {
		t.Errorf("sealed are %q, %v", names, err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "damaged" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}
