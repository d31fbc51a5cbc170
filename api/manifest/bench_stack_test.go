//go:build stack

package manifest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// folderVariable makes this test binary compress a folder onto standard output:
// in a process of its own, so that its memory can be measured.
const folderVariable = "SBS_TEST_FOLDER"

func TestMain(m *testing.M) {
	folder := os.Getenv(folderVariable)
	if folder == "" {
		goleak.VerifyTestMain(m)
	}
	tree := Contents{Log: io.NewSectionReader(strings.NewReader(""), 0, 0), Git: os.DirFS(folder), Modified: time.Unix(0, 0)}
	if _, err := Write(context.Background(), os.Stdout, tree); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status, _ := os.ReadFile("/proc/self/status") // what getrusage(2) returns begins with the parent's
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Fprint(os.Stderr, strings.Fields(peak)[0])
}

// BenchmarkWrite writes manifests of 60 MB next to tar with bzip2, pbzip2 and
// lbzip2, all in turn: the medians of the ratios of their times, and the memory
// this package takes at most.
func BenchmarkWrite(b *testing.B) {
	for name, fill := range map[string]func(testing.TB, string){"source": goSource, "random": noise} {
		b.Run(name, func(b *testing.B) {
			folder := b.TempDir()
			fill(b, folder)
			ratios, took := map[string][]float64{}, []float64{}
			var peak int
			for b.Loop() {
				ours, report := timed(b, folder, os.Args[0])
				memory, err := strconv.Atoi(report) // in kB
				if err != nil {
					b.Fatal(err)
				}
				took, peak = append(took, ours.Seconds()), max(peak, memory)
				for _, program := range []string{"bzip2", "pbzip2", "lbzip2"} {
					theirs, _ := timed(b, folder, "tar", "-c", "--use-compress-program="+program, ".")
					ratios[program] = append(ratios[program], ours.Seconds()/theirs.Seconds())
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(took), "s")
			b.ReportMetric(float64(peak>>10), "MB-peak")
			for program, values := range ratios {
				b.ReportMetric(median(values), "x-"+program)
			}
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// timed runs a program in a folder; it returns its time and what it writes.
func timed(b *testing.B, folder, program string, arguments ...string) (time.Duration, string) {
	b.Helper()
	command := exec.CommandContext(b.Context(), program, arguments...)
	command.Dir, command.Env = folder, append(os.Environ(), folderVariable+"="+folder)
	var report strings.Builder
	command.Stderr = &report
	began := time.Now()
	if err := command.Run(); err != nil { // its output is discarded
		b.Fatalf("%s: %v: %s", program, err, report.String())
	}
	return time.Since(began), report.String()
}

// fullSize is how much is compressed.
const fullSize = 60_000_000

func noise(tb testing.TB, folder string) {
	random := make([]byte, fullSize)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(random) // never fails
	if err := os.WriteFile(filepath.Join(folder, "random"), random, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// goSource writes source text of the Go toolchain.
func goSource(tb testing.TB, folder string) {
	root, err := exec.CommandContext(tb.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		tb.Fatal(err)
	}
	var text []byte
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || filepath.Ext(path) != ".go" || len(text) > fullSize {
			return err
		}
		content, err := os.ReadFile(path)
		text = append(text, content...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "source.go"), text, 0o600); err != nil {
		tb.Fatal(err)
	}
}
