//go:build stack

package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/opensbs/sbs/api"
)

// releaseTimeout bounds the wait until the server has released its resources.
const releaseTimeout = 2 * time.Minute

// memoryBound is the additional memory that a server may have at the end, in KiB, for
// garbage that is not collected yet.
const memoryBound = 32 << 10

// figures are the counts of resources, by kind.
type figures map[string]int

const memory = "memory of the server, KiB"

// kinds are the kinds of resources, and the functions that count them.
var kinds = []struct {
	name string
	get  func(*environment, context.Context) (int, error)
}{
	{"goroutines", (*environment).goroutines},
	{"open files", (*environment).openFiles},
	{"child processes", (*environment).children},
	{"temporary files", (*environment).temporaryFiles},
	{"commands of a Dockerfile", func(env *environment, _ context.Context) (int, error) {
		found, err := env.commands()
		return len(found), err
	}},
	{"containers", (*environment).containers},
	{"images", func(env *environment, ctx context.Context) (int, error) { return env.images(ctx, filters.NewArgs()) }},
	{"dangling images", func(env *environment, ctx context.Context) (int, error) {
		return env.images(ctx, filters.NewArgs(filters.Arg("dangling", "true")))
	}},
	{"records of BuildKit's cache", (*environment).cacheRecords},
	{memory, (*environment).residentMemory},
}

// count counts all resources once.
func (env *environment) count(t *testing.T) figures {
	t.Helper()
	found := figures{}
	for _, kind := range kinds {
		n, err := kind.get(env, t.Context())
		if err != nil {
			t.Fatalf("count %s: %v", kind.name, err)
		}
		found[kind.name] = n
	}
	return found
}

// asLimit makes the figures of a new server a limit for a server that has built. It
// leaves out memory, because a server loads more with its first build, and BuildKit's
// records, because the engine keeps the base image.
func (f figures) asLimit() figures {
	f[memory], f["records of BuildKit's cache"] = math.MaxInt/2, math.MaxInt
	return f
}

// above returns descriptions of the figures that are above limit.
func (f figures) above(limit figures) (names []string) {
	for _, kind := range kinds {
		most := limit[kind.name]
		if kind.name == memory {
			most += memoryBound
		}
		if f[kind.name] > most {
			names = append(names, fmt.Sprintf("%s: %d, want %d at most", kind.name, f[kind.name], most))
		}
	}
	return names
}

// awaitCounts waits until no figure is above limit, and returns the figures. It reports
// those that stay above.
func (env *environment) awaitCounts(t *testing.T, limit figures) (now figures) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), releaseTimeout)
	defer cancel()
	env.Client.Close()
	err := eventually(ctx, "all resources are released", func() (bool, error) {
		env.Server.Client().CloseIdleConnections()
		now = env.count(t)
		return len(now.above(limit)) == 0, nil
	})
	if err != nil {
		t.Errorf("%v: %s", err, strings.Join(now.above(limit), "; "))
	}
	return now
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

func (env *environment) goroutines(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, env.Server.URL()+api.PathMetrics, nil)
	if err != nil {
		return 0, err
	}
	request.Close = true
	response, err := env.Server.Client().Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	found := goroutines.FindSubmatch(text)
	if found == nil {
		return 0, errors.New("the metrics have no go_goroutines")
	}
	return strconv.Atoi(string(found[1]))
}

// process returns the path of a file in the server's folder of /proc.
func (env *environment) process(name string) string {
	return filepath.Join("/proc", strconv.Itoa(env.Server.PID()), name)
}

func (env *environment) openFiles(context.Context) (int, error) {
	entries, err := os.ReadDir(env.process("fd"))
	return len(entries), err
}

func (env *environment) children(context.Context) (found int, err error) {
	lists, err := filepath.Glob(env.process("task/*/children"))
	for _, list := range lists {
		children, err := os.ReadFile(list) // an error means that the thread has ended
		if err == nil {
			found += len(bytes.Fields(children))
		}
	}
	return found, err
}

// temporaryFiles counts the files in the server's TMPDIR and in the volume's folder of
// temporary files, and partially written files elsewhere on the volume.
func (env *environment) temporaryFiles(context.Context) (found int, err error) {
	work := filepath.Join(env.Server.Volume(), "work")
	for _, top := range []string{env.temporary, env.Server.Volume()} {
		err = errors.Join(err, filepath.WalkDir(top, func(path string, _ fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed meanwhile
			}
			temporary := strings.HasPrefix(path, work+"/") || strings.HasPrefix(path, env.temporary+"/")
			if temporary || strings.HasSuffix(path, ".partial") {
				found++
			}
			return err
		}))
	}
	return found, err
}

// commands returns the processes of the Dockerfile's command.
func (env *environment) commands() (found []string, err error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, err := os.ReadFile(path) // an error means that it has ended
		if err == nil && bytes.HasPrefix(line, []byte("sleep\x00")) && bytes.Contains(line, []byte(".1"+env.mark)) {
			found = append(found, path)
		}
	}
	return found, err
}

func (env *environment) containers(ctx context.Context) (int, error) {
	found, err := env.engine.docker.ContainerList(ctx, container.ListOptions{All: true})
	return len(found), err
}

func (env *environment) images(ctx context.Context, which filters.Args) (int, error) {
	found, err := env.engine.docker.ImageList(ctx, image.ListOptions{All: true, Filters: which})
	return len(found), err
}

func (env *environment) cacheRecords(ctx context.Context) (int, error) {
	found, err := env.engine.buildkit.DiskUsage(ctx)
	return len(found), err
}

var resident = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)

func (env *environment) residentMemory(context.Context) (int, error) {
	text, err := os.ReadFile(env.process("status"))
	if err != nil {
		return 0, err
	}
	found := resident.FindSubmatch(text)
	if found == nil {
		return 0, errors.New("/proc/PID/status has no VmRSS")
	}
	return strconv.Atoi(string(found[1]))
}
