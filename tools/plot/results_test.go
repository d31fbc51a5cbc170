package main

import (
	"os"
	"path/filepath"
	"testing"
)

const example = `{
"machine": {"cpu": "a CPU", "cores": 2, "memory_gb": 8, "kernel": "Linux", "engine": "20.10", "go": "go1"},
"parts": [
 {"date": "2026-01-03", "rows": [
  {"what": "job", "compared_with": "by hand", "theirs": [2, 4], "ours": [1, 3], "goal": {"most": 0.5}},
  {"what": "size", "compared_with": "tar", "theirs": [2], "ours": [1]},
  {"what": "memory", "ours": [30], "goal": {"most": 40, "value": true}}]},
 {"date": "2026-01-02", "curves": [
  {"what": "list", "unit": "ms", "points": [{"builds": 100, "samples": [1, 2]}, {"builds": 1000, "samples": [30, 20, 25]}]},
  {"what": "rate", "unit": "1/s", "points": [{"builds": 100, "samples": [5]}, {"builds": 1000, "samples": [6]}]}]}]}`

func TestPicturesAreDrawn(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "results.json"), []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{folder}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ratios.svg", "ratios.png", "growth.svg", "growth.png"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if run([]string{t.TempDir()}) == nil || run(nil) == nil {
		t.Error("no error for a folder without results")
	}
}

func TestResults(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "results.json")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	if rows := found.compared(); len(rows) != 1 || rows[0].What != "job" {
		t.Errorf("the rows with a goal for their ratio are %+v", rows)
	}
	median, least, most := spread(found.compared()[0].ratios())
	if median != 0.625 || least != 0.5 || most != 0.75 {
		t.Errorf("got %v, %v, %v", median, least, most)
	}
	if got, want := found.machine(), "a CPU, 2 cores, 8.0 GB; Linux; Docker Engine 20.10; go1; 2026-01-02 to 2026-01-03"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
