package history

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

const many = 10_000

// records makes a volume with many finished builds, without syncing each.
func records(b *testing.B) *volume.Volume {
	b.Helper()
	dir := b.TempDir()
	v := plainvolume.Open(b, dir)
	for number := range many {
		folder := filepath.Join(dir, "builds", id(number))
		if err := os.Mkdir(folder, 0o700); err != nil {
			b.Fatal(err)
		}
		for name, content := range map[string][]byte{
			"record.json": recordText(number, api.StatusSuccess), "build.log": []byte("log\n"),
			"public.pem": []byte("key"), "manifest.x.sig.tbz": []byte("manifest"),
		} {
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	return v
}

// readAll is the same work done without the history: every record is read.
func readAll(v *volume.Volume) (listed []api.Build, err error) {
	ids, err := v.Builds().IDs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		folder, err := v.Builds().Open(id)
		if err != nil {
			return nil, err
		}
		text, err := folder.Record()
		if err != nil {
			return nil, err
		}
		var build api.Build
		if err := json.Unmarshal(text, &build); err != nil {
			return nil, err
		}
		listed = append(listed, build)
	}
	return listed, nil
}

// Listing 10,000 builds, all of them and the first page, against reading their
// records in the same run; and the first listing, which reads them too.
func BenchmarkList(b *testing.B) {
	v := records(b)
	before := heap()
	builds := New(v.Builds(), v.Space)
	began := time.Now()
	if _, _, err := builds.List("", many); err != nil {
		b.Fatal(err)
	}
	first := time.Since(began)
	held := heap() - before
	var all, page, read time.Duration
	for b.Loop() {
		began := time.Now()
		if listed, _, err := builds.List("", many); err != nil || len(listed) != many {
			b.Fatal(len(listed), err)
		}
		all += time.Since(began)
		began = time.Now()
		if listed, _, err := builds.List("", api.DefaultBuilds); err != nil || len(listed) != api.DefaultBuilds {
			b.Fatal(len(listed), err)
		}
		page += time.Since(began)
		began = time.Now()
		if listed, err := readAll(v); err != nil || len(listed) != many {
			b.Fatal(len(listed), err)
		}
		read += time.Since(began)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(all.Seconds()*1000/float64(b.N), "ms/10000")
	b.ReportMetric(page.Seconds()*1000/float64(b.N), "ms/page")
	b.ReportMetric(all.Seconds()/read.Seconds(), "all/reading")
	b.ReportMetric(page.Seconds()/read.Seconds(), "page/reading")
	b.ReportMetric(first.Seconds()*1000, "ms/first")
	b.ReportMetric(float64(held)/many, "B/build")
	runtime.KeepAlive(builds)
}

// heap is how much of the heap is in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A build's trimming among 10,000: the first, which looks at the size of each
// build, and one that removes the oldest.
func BenchmarkTrim(b *testing.B) {
	v := records(b)
	builds := New(v.Builds(), v.Space)
	before := heap()
	var first, oldest, within time.Duration
	trim := func(count int) time.Duration {
		began := time.Now()
		if _, err := builds.Trim(Limits{Count: count, Space: everything}, ""); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	first = trim(many)
	held := heap() - before
	for count := many; b.Loop() && count > 1; count-- {
		within += trim(count)
		oldest += trim(count - 1)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(first.Seconds()*1000, "ms/first")
	b.ReportMetric(within.Seconds()*1000/float64(b.N), "ms/within")
	b.ReportMetric(oldest.Seconds()*1000/float64(b.N), "ms/removing")
	b.ReportMetric(float64(held)/many, "B/build")
	runtime.KeepAlive(builds)
}
