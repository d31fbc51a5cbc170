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

// shared is the stack of all tests, whose server logs all that it can log.
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

// prepare gives the server what it needs to build.
func (env *environment) prepare(t testing.TB) {
	t.Helper()
	env.Initialise(t, "hostile", map[string]any{"IMAGE_SIGNING": "simple"})
}

// held is what the server process holds, and the processor time it has taken.
type held struct{ goroutines, descriptors, heap, seconds float64 }

func (env *environment) held(t testing.TB) (h held) {
	t.Helper()
	figures := map[string]*float64{
		"go_goroutines": &h.goroutines, "process_open_fds": &h.descriptors, "go_memstats_heap_alloc_bytes": &h.heap,
		"process_cpu_seconds_total": &h.seconds,
	}
	for lines := bufio.NewScanner(strings.NewReader(env.MustRequest(t, http.StatusOK, http.MethodGet, "/metrics", ""))); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if figure := figures[name]; figure != nil {
			*figure, _ = strconv.ParseFloat(value, 64)
		}
	}
	if h.goroutines == 0 || h.descriptors == 0 || h.heap == 0 {
		t.Fatalf("the metrics tell %+v", h)
	}
	return h
}

// spare is what the heap may hold beyond what it held before, in bytes: garbage
// that is not collected yet.
const spare = 32 << 20

// nothingLeft waits until the server holds no more than before.
func (env *environment) nothingLeft(t testing.TB, before held) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	limit := time.NewTimer(kit.Timeout)
	defer limit.Stop()
	for {
		now := env.held(t)
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors && now.heap <= before.heap+spare {
			return
		}
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatalf("the server holds %+v, before %+v", now, before)
		}
	}
}

// log is what the server has logged since it was that long.
func (env *environment) log(t testing.TB, since int) string {
	t.Helper()
	text, err := os.ReadFile(env.Server.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text[since:])
}
