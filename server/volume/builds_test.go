package volume

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const (
	testID     = "2021-02-10_15-37-37.178350"
	testRecord = "{\n  \"id\": \"" + testID + "\",\n  \"status\": \"success\"\n}\n"
)

// TestDamagedRecords changes each bit of a record, and cuts it anywhere: what is
// read is what was saved, or an error that names the file.
func TestDamagedRecords(t *testing.T) {
	dir := t.TempDir()
	build := finished(t, openAt(t, dir), testID)
	if got, err := build.Record(); err != nil || string(got) != testRecord {
		t.Fatalf("read %q, %v", got, err)
	}
	file := filepath.Join(dir, "builds", testID, "record.json")
	saved, err := os.ReadFile(file)
	if err != nil || !json.Valid(saved) {
		t.Fatalf("the file holds %q, %v; want one JSON object", saved, err)
	}
	check := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := build.Record()
		var damaged *DamagedError
		if errors.As(err, &damaged) && damaged.File == "builds/"+testID+"/record.json" {
			return
		}
		var was, is map[string]any
		if err != nil || json.Unmarshal([]byte(testRecord), &was) != nil || json.Unmarshal(got, &is) != nil || is["id"] != was["id"] || is["status"] != was["status"] {
			t.Errorf("of %q was read %q, %v", content, got, err)
		}
	}
	for bit := range 8 * len(saved) {
		flipped := bytes.Clone(saved)
		flipped[bit/8] ^= 1 << (bit % 8)
		check(flipped)
	}
	for size := range len(saved) {
		check(saved[:size])
	}
}

// finished keeps a build as the pipeline does.
func finished(t *testing.T, v *Volume, id string) Build {
	t.Helper()
	build, err := v.Builds().Create(id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := build.CreateManifest("manifest.x.sig.tbz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	log, err := build.CreateLog()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(log, "log\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Close(), build.SavePublicKey([]byte("key")), build.SaveRecord([]byte(testRecord))); err != nil {
		t.Fatal(err)
	}
	return build
}

func TestStrip(t *testing.T) {
	dir := t.TempDir()
	build := finished(t, openAt(t, dir), testID)
	before, err := build.Contents()
	if err != nil || before.Manifest != 100_000 || before.Large < 100_000 || before.Space <= before.Large {
		t.Fatalf("contents %+v, %v", before, err)
	}
	if err := build.RemoveOutputs(); err != nil {
		t.Fatal(err)
	}
	after, err := build.Contents()
	if want := (Contents{Space: before.Space - before.Large}); err != nil || after != want {
		t.Errorf("contents %+v, %v; want %+v", after, err, want)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "builds", testID))
	if err != nil || len(entries) != 2 || entries[0].Name() != "public.pem" || entries[1].Name() != "record.json" {
		t.Errorf("left %v, %v", entries, err)
	}
}

// TestRemovedOverACrash interrupts a removal at any point after its first step.
func TestRemovedOverACrash(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	finished(t, v, testID)
	folder := filepath.Join(dir, "builds", testID)
	if err := os.Rename(folder, folder+".removed"); err != nil {
		t.Fatal(err)
	}
	if ids, err := v.Builds().IDs(); err != nil || len(ids) != 0 {
		t.Errorf("listed %v, %v", ids, err)
	}
	for _, name := range []string{"record.json", "public.pem"} {
		if err := os.Remove(filepath.Join(folder+".removed", name)); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(dir, "builds", "somebody's.removed")
	if err := errors.Join(v.Close(), os.Mkdir(other, 0o700)); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir)
	if left, err := filepath.Glob(filepath.Join(dir, "builds", "*")); err != nil || !slices.Equal(left, []string{other}) {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	build := finished(t, v, testID)
	if err := build.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "builds")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if _, err := v.Builds().Open(testID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestMarkDetectsChanges checks that each change to a record is detected, even one that
// keeps its size and restores its time.
func TestMarkDetectsChanges(t *testing.T) {
	dir := t.TempDir()
	v := openAt(t, dir)
	build := finished(t, v, testID)
	record := filepath.Join(dir, "builds", testID, "record.json")
	for name, change := range map[string]func() error{
		"in place": func() error {
			info, err := os.Stat(record)
			if err == nil {
				err = os.WriteFile(record, make([]byte, info.Size()), 0o600)
			}
			if err == nil {
				err = os.Chtimes(record, info.ModTime(), info.ModTime())
			}
			return err
		},
		"written again": func() error { return build.SaveRecord([]byte(testRecord)) },
	} {
		t.Run(name, func(t *testing.T) {
			tick(t, v)
			before := stamp(t, v)
			if again := stamp(t, v); again != before {
				t.Error("the mark changed without a write")
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if stamp(t, v) == before {
				t.Error("the stamp is the same")
			}
		})
	}
	if err := os.Remove(record); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{testID, "2020-02-10_15-37-37.178350"} {
		if _, err := v.Builds().RecordStamp(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want fs.ErrNotExist", id, err)
		}
	}
}

// tick returns when the file system's clock, which may be coarse, has moved on
// since the record was written.
func tick(t *testing.T, v *Volume) {
	t.Helper()
	const probe = "2000-01-01_00-00-00.000000"
	if err := v.root.MkdirAll("builds/"+probe, 0o700); err != nil {
		t.Fatal(err)
	}
	for {
		if err := v.root.WriteFile("builds/"+probe+"/record.json", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		now, err := v.Builds().RecordStamp(probe)
		if err != nil {
			t.Fatal(err)
		}
		if last := stamp(t, v); now.Changed > last.Changed {
			break
		}
		if err := v.root.Remove("builds/" + probe + "/record.json"); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.root.RemoveAll("builds/" + probe); err != nil {
		t.Fatal(err)
	}
}

func stamp(t *testing.T, v *Volume) Stamp {
	t.Helper()
	m, err := v.Builds().RecordStamp(testID)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
