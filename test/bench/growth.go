package main

// The part "growth" measures figures that may grow with the number of builds on record.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/bench/result"
)

// histories are the numbers of builds on record: about two builds a week for a year, and
// ten and a hundred times that.
var histories = []int{100, 1_000, 10_000}

// growth measures the part "growth".
func (b *bench) growth(ctx context.Context) (part result.Part, err error) {
	env, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, env.close(ctx)) }()
	if err := env.oneFile(ctx, map[string]any{"BUILDS_KEPT": "20000"}); err != nil {
		return part, err
	}
	if err := env.build(ctx, oneFile.name); err != nil {
		return part, err
	}
	var curves curves
	for _, builds := range histories {
		if err := env.Server.Stop(ctx); err != nil {
			return part, err
		}
		if err := env.fill(builds); err != nil {
			return part, err
		}
		if err := env.Server.Restart(ctx); err != nil {
			return part, err
		}
		if err := b.measureHistory(ctx, env, builds, &curves); err != nil {
			return part, err
		}
	}
	part.Curves = curves
	return part, nil
}

// curves have a point for each history.
type curves []result.Curve

// add adds a point to the curve of a figure.
func (c *curves) add(what, unit string, builds int, samples []float64) {
	logf("%s, %d builds on record: %.3f %s", what, builds, result.Of(samples).Median, unit)
	point := result.Point{Builds: builds, Samples: samples}
	for i := range *c {
		if (*c)[i].What == what {
			(*c)[i].Points = append((*c)[i].Points, point)
			return
		}
	}
	*c = append(*c, result.Curve{What: what, Unit: unit, Points: []result.Point{point}})
}

// measureHistory measures all figures with that many builds on record.
func (b *bench) measureHistory(ctx context.Context, env *environment, builds int, found *curves) error {
	startups, idle, err := b.starts(ctx, env)
	if err != nil {
		return err
	}
	found.add("start to first response", "ms", builds, startups)
	found.add("memory when idle", "MB", builds, idle)
	var all, page, job []float64
	for range b.rounds {
		for _, list := range []struct {
			limit int
			took  *[]float64
		}{{builds, &all}, {min(builds, api.DefaultBuilds), &page}} {
			took, err := env.list(ctx, list.limit)
			if err != nil {
				return err
			}
			*list.took = append(*list.took, took)
		}
	}
	found.add("list of all builds", "ms", builds, all)
	found.add("first page of the list", "ms", builds, page)
	kept, renewed, err := b.rates(ctx, env)
	if err != nil {
		return err
	}
	found.add("status, persistent connections", "1/s", builds, kept)
	found.add("status, new connections", "1/s", builds, renewed)
	for range b.rounds {
		began := time.Now()
		if err := env.build(ctx, oneFile.name); err != nil {
			return err
		}
		job = append(job, milliseconds(time.Since(began)))
	}
	found.add("whole job, image of one file", "ms", builds, job)
	return nil
}

// list requests the latest builds, and returns the time of the response in ms.
func (env *environment) list(ctx context.Context, limit int) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s%s?limit=%d", env.Server.URL(), api.PathBuilds, limit), nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	response, err := env.Server.Client().Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	took := milliseconds(time.Since(began))
	if err != nil {
		return 0, err
	}
	var listed api.Builds
	if err := json.Unmarshal(text, &listed); err != nil {
		return 0, fmt.Errorf("read the list of builds: %w", err)
	}
	if len(listed.Builds) != limit {
		return 0, fmt.Errorf("the list has %d builds, want %d", len(listed.Builds), limit)
	}
	return took, nil
}

// fill copies the latest build, without its manifest, until there are that many builds on
// record. The server must not run.
func (env *environment) fill(builds int) error {
	folder := filepath.Join(env.Server.Volume(), "builds")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	id := entries[len(entries)-1].Name()
	record, err := os.ReadFile(filepath.Join(folder, id, "record.json"))
	if err != nil {
		return err
	}
	// The checksum of a changed record would be wrong. A record may be without one.
	text, _, _ := strings.Cut(string(record), `,"checksum"`)
	for i := range builds - len(entries) {
		started := time.Date(2021, 2, 10, 0, 0, 0, 0, time.UTC).Add(time.Duration(len(entries)+i) * time.Second)
		next := started.Format("2006-01-02_15-04-05.000000")
		if err := os.Mkdir(filepath.Join(folder, next), 0o700); err != nil {
			return err
		}
		for name, content := range map[string]string{
			"record.json": strings.ReplaceAll(text, id, next) + "}\n", "build.log": "log\n", "public.pem": "key\n",
		} {
			if err := os.WriteFile(filepath.Join(folder, next, name), []byte(content), 0o600); err != nil {
				return err
			}
		}
	}
	syscall.Sync() // otherwise the files are written to disk during the first measured builds
	return nil
}
