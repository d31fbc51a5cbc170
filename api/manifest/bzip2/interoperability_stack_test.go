//go:build stack

package bzip2

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestInteroperability decompresses every corpus with the programs that auditors use.
func TestInteroperability(t *testing.T) {
	programs := map[string][]string{
		"bzip2":  {"bzip2", "-dc"},
		"lbzip2": {"lbzip2", "-dc"},
		"python": {"python3", "-c", "import bz2, sys; sys.stdout.buffer.write(bz2.open(sys.argv[1]).read())"},
	}
	var encoder Encoder
	corpora := corpora()
	for _, name := range names(corpora) {
		file := filepath.Join(t.TempDir(), "input.bz2")
		if err := os.WriteFile(file, encoder.AppendStream(nil, corpora[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		if report, err := exec.CommandContext(t.Context(), "bzip2", "-t", file).CombinedOutput(); err != nil || len(report) > 0 {
			t.Errorf("%s: bzip2 -t: %v: %s", name, err, report)
		}
		for program, command := range programs {
			var report bytes.Buffer
			run := exec.CommandContext(t.Context(), command[0], append(command[1:], file)...)
			run.Stderr = &report
			got, err := run.Output()
			if err != nil || report.Len() > 0 {
				t.Errorf("%s: %s: %v: %s", name, program, err, &report)
			} else if !bytes.Equal(got, corpora[name]) {
				t.Errorf("%s: %s reads %d other bytes", name, program, len(got))
			}
		}
	}
}

// TestRatio checks that the sizes are at most 1 % above those of bzip2 -9.
func TestRatio(t *testing.T) {
	for name, input := range sources(t) {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), "bzip2", "-9")
			command.Stdin = bytes.NewReader(input)
			theirs, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			ours := 0
			for _, stream := range inStreams(new(Encoder), input, 900_000) {
				ours += len(stream)
			}
			ratio := float64(ours) / float64(len(theirs))
			t.Logf("%d bytes, %.4f of bzip2's", ours, ratio)
			if ratio > 1.01 {
				t.Errorf("%d bytes, bzip2 -9 makes %d", ours, len(theirs))
			}
		})
	}
}
