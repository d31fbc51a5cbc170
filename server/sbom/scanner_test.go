package sbom_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/sbom"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runner plays the confined process: package process tests the real one.
type runner func(task process.Task) (output string, err error)

func (r runner) Run(_ context.Context, task process.Task, read func(io.Reader) error) error {
	output, err := r(task)
	return errors.Join(read(strings.NewReader(output)), err)
}

func TestScan(t *testing.T) {
	work := t.TempDir()
	archive := filepath.Join(work, "archive.tar")
	if err := os.WriteFile(archive, []byte("the image"), 0o600); err != nil {
		t.Fatal(err)
	}
	scan := func(output string, err error) (sbom.Inventory, error) {
		return sbom.Scanner{Runner: runner(func(task process.Task) (string, error) {
			text, readErr := io.ReadAll(task.Input)
			if readErr != nil || string(text) != "the image" || task.Name != sbom.ScanTask {
				t.Errorf("the task %s gets %q, %v", task.Name, text, readErr)
			}
			if task.Limits.Time == 0 || task.Limits.Memory == 0 || task.Limits.File == 0 {
				t.Errorf("a limit is missing: %+v", task.Limits)
			}
			return output, errors.Join(err, os.WriteFile(filepath.Join(task.Scratch, "file"), []byte("left"), 0o600))
		})}.Scan(t.Context(), archive, work)
	}
	if found, err := scan(`{"packages":[{"name":"one"}]}`, nil); err != nil || len(found.Packages) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	failed := errors.New("it failed")
	if _, err := scan(`{}`, failed); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	for output, want := range map[string]string{"": "read the inventory", strings.Repeat(" ", 17<<20): "longer than"} {
		if _, err := scan(output, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if left, err := os.ReadDir(work); err != nil || len(left) != 1 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	if _, err := (sbom.Scanner{}).Scan(t.Context(), "/nowhere", work); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an archive that is not there: %v", err)
	}
}
