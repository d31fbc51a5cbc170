//go:build stack

package source

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// measuredGit clones with the real git, which is given what a request has.
func measuredGit(tb testing.TB, request Request, dir string) (time.Duration, int64) {
	tb.Helper()
	given := map[string][]byte{"ca.pem": request.CABundle, "key": request.SSHKey, "known": request.KnownHosts}
	folder := tb.TempDir()
	for name, content := range given {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	ssh := "ssh -F none -o IdentitiesOnly=yes -i " + folder + "/key -o UserKnownHostsFile=" + folder + "/known"
	return measured(tb, nil, "git", "-c", "http.sslCAInfo="+folder+"/ca.pem", "-c", "core.sshCommand="+ssh,
		"clone", "--quiet", "--single-branch", "--depth="+strconv.Itoa(request.Depth), request.URL, dir)
}

// sourceFiles makes files that compress like source text, the same each time.
func sourceFiles(tb testing.TB, count, size int) map[string]gitserver.File {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // not a secret
	words := make([]string, 4000)
	for i := range words {
		words[i] = strconv.FormatUint(random.Uint64()>>(4*random.IntN(12)), 36) + " "
	}
	dir, files := tb.TempDir(), map[string]gitserver.File{}
	var text strings.Builder
	for i := range count {
		for text.Reset(); text.Len() < size; {
			text.WriteString(words[min(random.IntN(4000), random.IntN(4000))])
		}
		from := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(from, []byte(text.String()[:size]), 0o600); err != nil {
			tb.Fatal(err)
		}
		files[fmt.Sprintf("d%d/f%d", i%200, i)] = gitserver.File{From: from}
	}
	return files
}

// history makes a repository of so many commits, each of which changes one of
// 1000 files.
func (s stack) history(tb testing.TB, name string, commits int) {
	tb.Helper()
	s.create(tb, name, sourceFiles(tb, 1000, 4000))
	var script strings.Builder
	from := "from refs/heads/main^0\n"
	for i := range commits - 1 {
		content := strconv.Itoa(i)
		fmt.Fprintf(&script, "commit refs/heads/main\ncommitter %s %d +0000\ndata 1\nc\n%s"+
			"M 100644 inline d%d/f%d\ndata %d\n%s\n", gitserver.Author, gitserver.Epoch.Unix()+int64(i),
			from, i%1000%200, i%1000, len(content), content)
		from = ""
	}
	folder := filepath.Join(s.root, name)
	for _, run := range []struct {
		stdin     string
		arguments []string
	}{{script.String(), []string{"fast-import", "--quiet"}}, {"", []string{"repack", "-adq"}}} {
		if _, err := gitserver.Git(tb.Context(), folder, strings.NewReader(run.stdin), run.arguments...); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkClone clones with this package and with git, in turn, each in a
// process of its own: the median of the ratios of their times, and what memory
// either needs at most.
func BenchmarkClone(b *testing.B) {
	s := newStack(b, gitserver.Options{})
	s.create(b, "300MB.git", sourceFiles(b, 20_000, 15_000))
	s.create(b, "random.git", randomFiles(b, 60, 1_000_000))
	s.history(b, "commits.git", 20_000)
	for _, c := range []struct {
		repository string
		depth      int
	}{{"300MB", 1}, {"random", 1}, {"commits", 1}, {"commits", 100}, {"commits", 20_000}} {
		for name, request := range map[string]Request{"ssh": s.ssh(c.repository + ".git"), "https": s.https(c.repository + ".git")} {
			request.Depth = c.depth
			b.Run(fmt.Sprintf("%s/depth=%d/%s", c.repository, c.depth, name), func(b *testing.B) { besideGit(b, request) })
		}
	}
}

func besideGit(b *testing.B, request Request) {
	var ours, theirs, ratios []float64
	var ourPeak, theirPeak int64
	once := func(clone func(testing.TB, Request, string) (time.Duration, int64)) (float64, int64) {
		dir := filepath.Join(b.TempDir(), "tree")
		took, peak := clone(b, request, dir)
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		return took.Seconds(), peak >> 20
	}
	for b.Loop() {
		var we, git float64
		var our, their int64
		if len(ratios)%2 == 0 { // the second one writes where the first has just deleted
			we, our = once(measuredClone)
			git, their = once(measuredGit)
		} else {
			git, their = once(measuredGit)
			we, our = once(measuredClone)
		}
		ourPeak, theirPeak = max(ourPeak, our), max(theirPeak, their)
		ours, theirs, ratios = append(ours, we), append(theirs, git), append(ratios, we/git)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "s")
	b.ReportMetric(median(theirs), "s-git")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(float64(ourPeak), "MB-peak")
	b.ReportMetric(float64(theirPeak), "MB-git")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
