//go:build stack

package hostile

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// shared is the stack of all tests. Its server logs with level debug by default.
var shared *environment

type environment struct {
	*kit.Environment
	identities
	address string // of the server
}

func TestMain(m *testing.M) {
	if address := os.Getenv(floodAddress); address != "" {
		os.Exit(floodMain(address, os.Getenv(floodFolder), os.Getenv(floodRate)))
	}
	kit.Main(m, func(ctx context.Context, dir string, programs harness.Options) (stop func() error, err error) {
		programs.Dir = filepath.Join(dir, "stack")
		programs.ServerEnvironment = []string{"SBS_LOG_LEVEL=" + cmp.Or(os.Getenv("SBS_LOG_LEVEL"), "debug")}
		stack, err := kit.Start(ctx, programs)
		if err != nil {
			return nil, err
		}
		stop = func() error { return stack.Close(ctx) }
		if shared, err = newEnvironment(ctx, stack); err != nil {
			return nil, errors.Join(err, stop())
		}
		return stop, nil
	})
}

func newEnvironment(ctx context.Context, stack *kit.Environment) (*environment, error) {
	known, err := loadIdentities(stack.Dir())
	if err != nil {
		return nil, err
	}
	env := &environment{Environment: stack, identities: known, address: strings.TrimPrefix(stack.Server.URL(), "https://")}
	files := map[string]gitserver.File{"Dockerfile": {Content: "FROM scratch\nCOPY hello /\n"}, "hello": {Content: "hello\n"}}
	_, err = gitserver.CreateRepository(ctx, env.GitRoot, "hostile.git", files)
	return env, err
}

// prepare sends the parameters of a build to the server.
func (env *environment) prepare(t testing.TB) {
	t.Helper()
	env.Initialise(t, "hostile", map[string]any{"IMAGE_SIGNING": "simple"})
}

// resources are those of the server process, with its processor time.
type resources struct{ goroutines, descriptors, heap, seconds float64 }

func (env *environment) resources(t testing.TB) (r resources) {
	t.Helper()
	metrics := map[string]*float64{
		"go_goroutines": &r.goroutines, "process_open_fds": &r.descriptors, "go_memstats_heap_alloc_bytes": &r.heap,
		"process_cpu_seconds_total": &r.seconds,
	}
	for lines := bufio.NewScanner(strings.NewReader(env.MustRequest(t, http.StatusOK, http.MethodGet, "/metrics", ""))); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if metric := metrics[name]; metric != nil {
			*metric, _ = strconv.ParseFloat(value, 64)
		}
	}
	if r.goroutines == 0 || r.descriptors == 0 || r.heap == 0 {
		t.Fatalf("the metrics are %+v", r)
	}
	return r
}

// heapSlack is the number of bytes by which the heap may be larger than before:
// garbage that is not collected yet.
const heapSlack = 32 << 20

// nothingLeft waits until the server uses no more resources than before.
func (env *environment) nothingLeft(t testing.TB, before resources) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	limit := time.NewTimer(kit.Timeout)
	defer limit.Stop()
	for {
		now := env.resources(t)
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors && now.heap <= before.heap+heapSlack {
			return
		}
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatalf("the server uses %+v, before %+v", now, before)
		}
	}
}

// log returns the server's log from the offset since.
func (env *environment) log(t testing.TB, since int) string {
	t.Helper()
	text, err := os.ReadFile(env.Server.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text[since:])
}
