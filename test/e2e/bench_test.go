//go:build stack

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/deploy/harness/gitserver"
)

// The figures that the design promises: time from build to success, answering
// meanwhile, memory at rest and with a large repository.

// A one-file image, against the same work by hand with the usual tools.
func BenchmarkOneFileImage(b *testing.B) {
	l := fresh(b)
	l.prepare(b, "one-file", hello, nil)
	hand := l.byHand(b, "one-file")
	l.succeed(b) // makes the keys
	hand.work(b)

	var server, tools []time.Duration
	for b.Loop() {
		for range 10 {
			content := files{"Dockerfile": hello["Dockerfile"], "hello": fmt.Sprintf("%d\n", len(server))}
			l.commit(b, "one-file.git", content)
			began := time.Now()
			l.succeed(b)
			server = append(server, time.Since(began))
			began = time.Now()
			hand.work(b)
			tools = append(tools, time.Since(began))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(quantile(server, 0.5)), "ms/build")
	b.ReportMetric(milliseconds(quantile(tools, 0.5)), "ms/by-hand")
	b.ReportMetric(float64(quantile(server, 0.5))/float64(quantile(tools, 0.5)), "build/by-hand")
}

// Status requests, one after the other, while a build waits for its Dockerfile,
// and while one compresses its manifest.
func BenchmarkStatus(b *testing.B) {
	for name, hold := range map[string]func(testing.TB, string) func(){"waiting": shared.sleeping, "compressing": shared.large} {
		b.Run(name, func(b *testing.B) {
			l := shared
			var took []time.Duration
			for b.Loop() {
				reached := hold(b, "status-"+name+strconv.Itoa(len(took)))
				l.begin(b)
				reached()
				for range 1000 {
					began := time.Now()
					status := l.status(b)
					took = append(took, time.Since(began))
					if !status.Building {
						b.Fatalf("the build has ended: %q", status.Status)
					}
				}
				l.clean(b)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(quantile(took, 0.5)), "ms/p50")
			b.ReportMetric(milliseconds(quantile(took, 0.99)), "ms/p99")
		})
	}
}

// What the server takes: after its start, after some builds, and at most while
// 300 MB of random files and many small ones go through.
func BenchmarkMemory(b *testing.B) {
	l := fresh(b)
	started := l.memory(b, "VmRSS")
	l.prepare(b, "small", hello, nil)
	for range 10 {
		l.succeed(b)
	}
	rested := l.memory(b, "VmRSS")
	l.many(b, "many")
	l.initialise(b, "many", nil)
	var peak float64
	var took time.Duration
	for b.Loop() {
		l.resetPeak(b)
		began := time.Now()
		l.succeedWithin(b, 8*time.Minute)
		took = time.Since(began)
		peak = max(peak, l.memory(b, "VmHWM"))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(started, "MB/started")
	b.ReportMetric(rested, "MB/after-10-builds")
	b.ReportMetric(peak, "MB/peak-of-300MB")
	b.ReportMetric(took.Seconds(), "s/build-of-300MB")
}

// many makes a repository of 300 files of 1 MB and 10,000 of 1 kB.
func (l *lab) many(b *testing.B, name string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "random")
	content := hello.forGit()
	content[".dockerignore"] = gitserver.File{Content: "large\nsmall\n"}
	for i := range 300 {
		file := path + strconv.Itoa(i)
		random(b, file, 1<<20)
		content[fmt.Sprintf("large/%d", i)] = gitserver.File{From: file}
	}
	for i := range 10_000 {
		text := strings.Repeat(fmt.Sprintf("line of file %d\n", i), 50)
		content[fmt.Sprintf("small/%d/%d", i%100, i)] = gitserver.File{Content: text}
	}
	if _, err := gitserver.CreateRepository(b.Context(), l.GitRoot, name+".git", content); err != nil {
		b.Fatal(err)
	}
}

// memory is a figure of the server process in MB, as /proc/PID/status has it.
func (l *lab) memory(b *testing.B, figure string) float64 {
	b.Helper()
	status := read(b, "/proc", strconv.Itoa(l.Server.PID()), "status")
	_, rest, _ := strings.Cut(status, figure+":")
	kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}

// resetPeak makes VmHWM begin anew (proc(5), clear_refs).
func (l *lab) resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", l.Server.PID()), []byte("5"), 0o200); err != nil {
		b.Fatal(err)
	}
}

// hand does by the usual tools what the server does in a build.
type hand struct {
	l           *lab
	dir         string
	environment []string
	script      string
}

func (l *lab) byHand(b *testing.B, name string) hand {
	b.Helper()
	dir := b.TempDir()
	environment := append(l.dockerEnvironment(b),
		"GIT_SSH_COMMAND=ssh -i "+filepath.Join(l.Dir(), "git-key")+" -o UserKnownHostsFile="+filepath.Join(l.Dir(), "known_hosts"),
		"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=by-hand-root", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=by-hand-repository",
		"WRITER="+l.Registry.Writer().User, "PASSWORD="+l.Registry.Writer().Password)
	must(b, dir, environment, l.Registry.Writer().Password, "docker", "login", "--username", l.Registry.Writer().User, "--password-stdin", l.registry.address)
	must(b, dir, nil, "", "openssl", "genrsa", "-out", "key.pem", "3072")
	image := l.registry.address + "/sbs/by-hand"
	b.Cleanup(func() { run(b, dir, environment, "", "docker", "image", "rm", "--force", image+":1", image+":latest") })
	return hand{l, dir, environment, strings.NewReplacer("URL", l.Git.SSHURL(name+".git"), "IMAGE", image).Replace(`
rm -rf git manifest.tbz
git clone --quiet --depth 1 --branch main URL git
docker build --quiet --no-cache -t IMAGE:1 -t IMAGE:latest git
docker push --quiet IMAGE:1
docker push --quiet IMAGE:latest
docker trust sign IMAGE:1
docker trust sign IMAGE:latest
tar -cjf manifest.tbz git
openssl dgst -sha256 -binary manifest.tbz | openssl dgst -sha256 -sign key.pem -out manifest.sig
docker image rm --force IMAGE:1 IMAGE:latest`)}
}

func (h hand) work(b *testing.B) {
	b.Helper()
	must(b, h.dir, h.environment, "", "sh", "-euc", h.script)
}

func quantile(took []time.Duration, q float64) time.Duration {
	slices.Sort(took)
	return took[int(q*float64(len(took)-1))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
