//go:build stack

package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/deploy/harness/gitserver"
)

// The four numbers that the design promises. They are measured once a run, on
// the whole stack; run them with -benchtime 1x.

func BenchmarkBuildOneFileImage(b *testing.B) {
	stack := benchStack(b)
	files := map[string]gitserver.File{"Dockerfile": {Content: "FROM scratch\nCOPY file /file\n"}}
	server := stack.benchClient(b, "one-file.git", files)
	var took []time.Duration
	for i := range 10 {
		files["file"] = gitserver.File{Content: fmt.Sprintf("content %d of %s\n", i, b.TempDir())}
		if _, err := gitserver.Commit(b.Context(), stack.GitRoot, "one-file.git", gitserver.Change{Files: files}); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		build(b, server)
		took = append(took, time.Since(began))
	}
	report(b, took, "build")
}

func BenchmarkStatusWhileBuilding(b *testing.B) {
	stack := benchStack(b)
	dockerfile := "FROM " + stack.BaseImage + "\nRUN sleep 60\n"
	server := stack.benchClient(b, "slow.git", map[string]gitserver.File{"Dockerfile": {Content: dockerfile}})
	if _, err := server.Build(b.Context()); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for range 500 {
		began := time.Now()
		status, err := server.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		if api.Failed(status.Status.Status) || status.Status.Status == api.StatusSuccess {
			b.Fatalf("the build has ended: %s", status.Raw)
		}
	}
	report(b, took, "status")
	if _, err := server.Clean(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkServerAtRest(b *testing.B) {
	stack := benchStack(b)
	b.ReportMetric(memory(b, stack.Server.PID(), "VmRSS"), "MB")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkLargeRepository(b *testing.B) {
	const files, size = 30, 10 << 20
	stack := benchStack(b)
	content := map[string]gitserver.File{"Dockerfile": {Content: "FROM scratch\nCOPY Dockerfile /\n"},
		".dockerignore": {Content: "data-*\n"}}
	random := rand.NewChaCha8([32]byte{1})
	for i := range files {
		block := make([]byte, size)
		random.Read(block) // never fails
		path := filepath.Join(b.TempDir(), "data")
		if err := os.WriteFile(path, block, 0o600); err != nil {
			b.Fatal(err)
		}
		content[fmt.Sprintf("data-%d", i)] = gitserver.File{From: path}
	}
	server := stack.benchClient(b, "large.git", content)
	began := time.Now()
	build(b, server)
	b.ReportMetric(time.Since(began).Seconds(), "s/build")
	b.ReportMetric(memory(b, stack.Server.PID(), "VmHWM"), "MB-peak")
	b.ReportMetric(0, "ns/op")
}

func benchStack(b *testing.B) *Stack {
	b.Helper()
	options := programs
	options.Dir = b.TempDir()
	stack, err := Start(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return stack
}

// benchClient makes a repository and gives the server the parameters to build it.
func (s *Stack) benchClient(b *testing.B, repository string, content map[string]gitserver.File) *client.Client {
	b.Helper()
	if _, err := gitserver.CreateRepository(b.Context(), s.GitRoot, repository, content); err != nil {
		b.Fatal(err)
	}
	path := s.dir.path(configName)
	changed := map[string]any{}
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(text, &changed); err != nil {
		b.Fatal(err)
	}
	maps.Copy(changed, map[string]any{"GITHUB_URL": s.Git.SSHURL(repository), "ARG": map[string]string{}})
	if err := s.writeJSON(configName, changed); err != nil {
		b.Fatal(err)
	}
	settings, err := config.Load(path, func(string) string { return "" })
	if err != nil {
		b.Fatal(err)
	}
	parameters, err := settings.Parameters("")
	if err != nil {
		b.Fatal(err)
	}
	b.Chdir(s.Dir()) // where the certificates are looked for
	files, err := settings.Certificates()
	if err != nil {
		b.Fatal(err)
	}
	identity, err := certs.LoadClient(files, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	hostname, port, err := settings.Server()
	if err != nil {
		b.Fatal(err)
	}
	server := client.New(hostname, port, identity)
	b.Cleanup(server.Close)
	if _, err := server.Init(b.Context(), parameters); err != nil {
		b.Fatal(err)
	}
	return server
}

func build(b *testing.B, server *client.Client) {
	b.Helper()
	if _, err := server.Build(b.Context()); err != nil {
		b.Fatal(err)
	}
	status, err := server.Events(b.Context(), func(api.Event) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	if status.Status != api.StatusSuccess {
		b.Fatalf("the build ended with %q: %s", status.Status, status.Cause)
	}
}

// report prints the median and the slowest.
func report(b *testing.B, took []time.Duration, unit string) {
	slices.Sort(took)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(milliseconds(took[len(took)/2]), "ms/"+unit)
	b.ReportMetric(milliseconds(took[len(took)-1]), "ms/"+unit+"-slowest")
	b.ReportMetric(0, "ns/op")
}

// memory reads one line of /proc/<pid>/status (proc(5)), in megabytes.
func memory(b *testing.B, pid int, key string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, key+": %f kB", &kilobytes); err == nil {
			return kilobytes / 1024
		}
	}
	b.Fatalf("no %s in the status of process %d", key, pid)
	return 0
}
