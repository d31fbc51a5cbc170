//go:build stack

package state

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
)

// What 10,000 builds cost: listing all of them and the latest ones over mutual
// TLS, against a program that reads their records; the start; memory at rest.
func BenchmarkHistory(b *testing.B) {
	const many = 10_000
	l := start(b)
	l.guide(b, "init --env sbs-config.json")
	l.build(b)
	l.restart(b)
	before := l.memory(b)
	l.multiply(b, many)
	began := time.Now()
	l.restart(b)
	started := time.Since(began)
	rested := l.memory(b)

	var all, page, read time.Duration
	for b.Loop() {
		all += l.list(b, many)
		page += l.list(b, api.DefaultBuilds)
		began := time.Now()
		records, err := filepath.Glob(l.path("builds", "*", "record.json"))
		if err != nil || len(records) != many {
			b.Fatal(len(records), err)
		}
		for _, record := range records {
			var build struct{ Status string }
			text, err := os.ReadFile(record)
			if err == nil {
				err = json.Unmarshal(text, &build)
			}
			if err != nil || build.Status != api.StatusSuccess {
				b.Fatal(build, err)
			}
		}
		read += time.Since(began)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(all.Seconds()*1000/float64(b.N), "ms/10000")
	b.ReportMetric(page.Seconds()*1000/float64(b.N), "ms/page")
	b.ReportMetric(all.Seconds()/read.Seconds(), "all/reading")
	b.ReportMetric(started.Seconds()*1000, "ms/restart")
	b.ReportMetric(before, "MB/1-build")
	b.ReportMetric(rested, "MB/10000-builds")
	b.ReportMetric(l.memory(b), "MB/10000-listed")
}

// multiply makes many builds of the one that there is, without their manifests.
func (l *lab) multiply(b *testing.B, many int) {
	b.Helper()
	id := l.history(b)[0].ID
	record, err := os.ReadFile(l.path("builds", id, "record.json"))
	if err != nil {
		b.Fatal(err)
	}
	text, _, _ := strings.Cut(string(record), `,"checksum"`)
	for i := range many - 1 {
		next := time.Date(2021, 2, 10, 0, 0, i, 0, time.UTC).Format("2006-01-02_15-04-05.000000")
		if err := os.Mkdir(l.path("builds", next), 0o700); err != nil {
			b.Fatal(err)
		}
		for name, content := range map[string]string{
			"record.json": strings.ReplaceAll(text, id, next) + "}\n", "build.log": "log\n", "public.pem": "key\n",
		} {
			if err := os.WriteFile(l.path("builds", next, name), []byte(content), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// list asks for the latest builds, and returns how long the reply took.
func (l *lab) list(b *testing.B, limit int) time.Duration {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf("%s/builds?limit=%d", l.Server.URL(), limit), nil)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	response, err := l.Server.Client().Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	took := time.Since(began)
	var listed api.Builds
	if err == nil {
		err = json.Unmarshal(text, &listed)
	}
	if err != nil || len(listed.Builds) != limit {
		b.Fatal(len(listed.Builds), err)
	}
	return took
}

// memory is what the server holds, in MB.
func (l *lab) memory(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.Server.PID()))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kilobytes) / 1000
}
