//go:build stack

package bzip2

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sources are what manifests are made of: Go source text, incompressible data,
// and a repository: files of both kinds and, in its pack, most of them again.
func sources(t testing.TB) map[string][]byte {
	random := noise(9, 9_000_000)
	source := goSource(t)
	return map[string][]byte{"source": source, "random": random, "repository": repository(t, source, random[:1_000_000])}
}

// goSource is the text of the Go toolchain's network packages.
func goSource(t testing.TB) (source []byte) {
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), "src", "net", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	return source
}

// repository is the tar file of a git repository that holds source and random.
func repository(t testing.TB, source, random []byte) []byte {
	folder := t.TempDir()
	for name, content := range map[string][]byte{"source.go": source, "random": random} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, arguments ...string) []byte {
		command := exec.CommandContext(t.Context(), name, arguments...)
		command.Dir = folder
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return output
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "commit", "-qm", "a")
	run("git", "repack", "-adq")
	return run("tar", "-c", ".")
}

// inStreams compresses input in streams of size bytes.
func inStreams(encoder *Encoder, input []byte, size int) (streams [][]byte) {
	for len(input) > 0 {
		n := min(len(input), size)
		streams = append(streams, encoder.AppendStream(nil, input[:n]))
		input = input[n:]
	}
	return streams
}

// BenchmarkAgainstCommands compares the encoder with bzip2 -9 and lbzip2 on one
// core, all in turn, by the processor time they take: MB/s of input, and how
// many times as fast the encoder is.
func BenchmarkAgainstCommands(b *testing.B) {
	commands := map[string][]string{"bzip2": {"bzip2", "-9"}, "lbzip2": {"lbzip2", "-9", "-n1"}}
	for name, input := range sources(b) {
		b.Run(name, func(b *testing.B) {
			var encoder Encoder
			var ours time.Duration
			theirs := map[string]time.Duration{}
			for b.Loop() {
				before := processorTime(b)
				inStreams(&encoder, input, 900_000)
				ours += processorTime(b) - before
				for name, command := range commands {
					theirs[name] += timeOf(b, command, input)
				}
			}
			megabytes := float64(len(input)) / 1e6 * float64(b.N)
			b.ReportMetric(megabytes/ours.Seconds(), "MB/s")
			for name, took := range theirs {
				b.ReportMetric(megabytes/took.Seconds(), name+"-MB/s")
				b.ReportMetric(took.Seconds()/ours.Seconds(), "x-"+name)
			}
		})
	}
}

func processorTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func timeOf(t testing.TB, arguments []string, input []byte) time.Duration {
	command := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...)
	command.Stdin = bytes.NewReader(input)
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return command.ProcessState.UserTime() + command.ProcessState.SystemTime()
}
