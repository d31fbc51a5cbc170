//go:build stack

package buildkit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/builder/solve"
)

// left returns what the daemon has: cache records but those of base images, and records
// of builds.
func left(t *testing.T, b *Builder) (cache, history int) {
	t.Helper()
	err := b.with(context.Background(), func(kit *client.Client) error {
		records, err := kit.DiskUsage(context.Background())
		if err != nil {
			return err
		}
		for _, record := range records {
			if !strings.HasPrefix(record.Description, "pulled from ") {
				cache++
			}
		}
		builds, err := listHistory(context.Background(), kit, &controlapi.BuildHistoryRequest{EarlyExit: true})
		history = len(builds)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cache, history
}

func TestFailedSteps(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell()})
	for name, test := range map[string]struct{ dockerfile, want string }{
		"exit code":      {"FROM " + base + "\nCOPY Dockerfile /\nRUN exit 7\n", `step "[3/3] RUN exit 7" failed: `},
		"code":           {"FROM " + base + "\nRUN exit 7\n", "exit code: 7"},
		"file":           {"FROM " + base + "\nCOPY missing /\n", "missing"},
		"syntax":         {"FROM " + base + "\nNONSENSE\n", "unknown instruction: NONSENSE"},
		"ARG only":       {"ARG V=1\n", ""},
		"empty":          {"", ""},
		"no such image":  {"FROM " + images.host + "/missing:1\n", "missing:1: not found"},
		"host network":   {"FROM " + base + "\nRUN --network=host true\n", "network.host is not allowed"},
		"insecure step":  {"FROM " + base + "\nRUN --security=insecure true\n", "security.insecure is not allowed"},
		"a build secret": {"FROM " + base + "\nRUN --mount=type=secret,id=x,required=true cat /run/secrets/x\n", "x: not found"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := failedBuild(t, b, request(t, tree(t, map[string]string{"Dockerfile": test.dockerfile}))); !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if cache, history := left(t, b); cache != 0 || history != 0 {
		t.Errorf("left: %d records of the cache, %d of builds", cache, history)
	}
}

func TestBuildsLeaveNothing(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell()})
	dir := tree(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN --mount=type=cache,target=/c echo x > /c/x && echo y > /y\n"})
	mustBuild(t, b, request(t, dir))
	if cache, history := left(t, b); cache != 0 || history != 0 {
		t.Errorf("left: %d records of the cache, %d of builds", cache, history)
	}
	// A build that nobody follows any more leaves its own.
	var output bytes.Buffer
	since := time.Now().Add(-time.Second)
	if _, err := b.Build(t.Context(), request(t, dir), &output); err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	if cache, history := left(t, b); cache == 0 || history != 1 {
		t.Errorf("before: %d records of the cache, %d of builds", cache, history)
	}
	if err := b.RemoveLeftovers(t.Context(), "", time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if cache, history := left(t, b); cache == 0 || history != 1 {
		t.Errorf("what is older than since went: %d records of the cache, %d of builds", cache, history)
	}
	if err := b.RemoveLeftovers(t.Context(), "", since); err != nil {
		t.Error(err)
	}
	if cache, history := left(t, b); cache != 0 || history != 0 {
		t.Errorf("left: %d records of the cache, %d of builds", cache, history)
	}
}

func TestTooLarge(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell()})
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN head -c 1000000 /dev/urandom > /random\n"}))
	r.MaxSize = 1_500_000
	if err := failedBuild(t, b, r); !errors.Is(err, builder.ErrTooLarge) {
		t.Errorf("the error is %v", err)
	}
}

func TestAnArchiveThatExistsIsKept(t *testing.T) {
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n"}))
	if err := os.WriteFile(r.Archive, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t).Build(t.Context(), r, io.Discard); !errors.Is(err, os.ErrExist) {
		t.Errorf("the error is %v", err)
	}
	if text, err := os.ReadFile(r.Archive); string(text) != "x" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// signal is an output that closes seen when text passes.
type signal struct {
	text string
	once sync.Once
	seen chan struct{}
	all  bytes.Buffer
}

func (s *signal) Write(p []byte) (int, error) {
	s.all.Write(p)
	if strings.Contains(s.all.String(), s.text) {
		s.once.Do(func() { close(s.seen) })
	}
	return len(p), nil
}

func TestCancelled(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell()})
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN echo sle\"\"eps; sleep 1000\n"}))
	cause := errors.New("the user cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	output := &signal{text: "sleeps", seen: make(chan struct{})}
	var ended time.Time
	go func() {
		<-output.seen
		ended = time.Now()
		cancel(cause)
	}()
	if _, err := b.Build(ctx, r, output); !errors.Is(err, cause) {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(ended); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := b.RemoveLeftovers(t.Context(), "", ended.Add(-time.Minute)); err != nil {
		t.Error(err)
	}
	if cache, history := left(t, b); cache != 0 || history != 0 {
		t.Errorf("left: %d records of the cache, %d of builds", cache, history)
	}
}

// TestTheBuilderIsKilled while it builds, and is not there at the next build.
func TestTheBuilderIsKilled(t *testing.T) {
	d, err := startDaemon()
	if err != nil {
		t.Fatal(err)
	}
	b, images := connectTo(t, d), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell()})
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN echo sle\"\"eps; sleep 20\n"}))
	output := &signal{text: "sleeps", seen: make(chan struct{})}
	go func() {
		<-output.seen
		d.command.Process.Kill()
		d.command.Wait()
	}()
	if _, err := b.Build(t.Context(), r, output); !errors.Is(err, builder.ErrStopped) {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := b.Build(ctx, r, io.Discard); !errors.Is(err, builder.ErrUnreachable) {
		t.Errorf("the error is %v", err)
	}
	if _, err := Connect(ctx, d.address); !errors.Is(err, builder.ErrUnreachable) {
		t.Errorf("the error of Connect is %v", err)
	}
}

// TestABuilderThatHangs is bounded by the context.
func TestABuilderThatHangs(t *testing.T) {
	address := "unix://" + silent(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := Connect(ctx, address); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error of Connect is %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	b := &Builder{address: address}
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM scratch\n"}))
	if _, err := b.Build(ctx, r, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

// TestCredentials: an account reaches the registry that it is for, and no other. The
// daemon asks for no password of the registry that the image is for.
func TestCredentials(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	var mu sync.Mutex
	var seen []string
	guarded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		mu.Lock()
		seen = append(seen, user+":"+password)
		mu.Unlock()
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			if !ok || user != "reader" || password != "of the base" {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				http.Error(w, "", http.StatusUnauthorized)
				return
			}
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(guarded.Close)
	host := strings.TrimPrefix(guarded.URL, "http://")
	open := httptest.NewServer(inner)
	t.Cleanup(open.Close)
	images := &images{t: t, host: strings.TrimPrefix(open.URL, "http://")}
	images.put("base:1", []v1.Layer{images.shell()})
	b := connect(t)
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM " + host + "/base:1\nRUN true\n"}))
	r.Tags = []string{"registry.example/target:1"}
	if err := failedBuild(t, b, r); !errors.Is(err, builder.ErrUnauthorized) {
		t.Errorf("without an account: %v", err)
	}
	r.Accounts = []api.RegistryAccount{{Host: host, User: "reader", Password: "wrong"}}
	if err := failedBuild(t, b, r); !errors.Is(err, builder.ErrUnauthorized) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v", err)
	}
	seen = nil
	r.Accounts = []api.RegistryAccount{
		{Host: "registry.example", User: "pusher", Password: "of the target"},
		{Host: host, User: "reader", Password: "of the base"},
	}
	_, output := mustBuild(t, b, r)
	for _, account := range seen {
		if account != ":" && account != "reader:of the base" {
			t.Errorf("the registry of the base image got %q", account)
		}
	}
	if strings.Contains(output, "of the base") {
		t.Errorf("the output is %s", output)
	}
}

// TestTheTargetsAccountStaysHere: nobody but the registry's own name gets its account.
// What the daemon asks for is recorded.
func TestTheTargetsAccountStaysHere(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell()})
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN true\n"}))
	r.Accounts = []api.RegistryAccount{{Host: "registry.example", User: "pusher", Password: "of the target"}}
	options, err := solveOptions(t.Context(), "x", r, newPolicy(t.Context(), nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(options.Session) != 1 || len(options.Exports) != 1 || options.Exports[0].Attrs["name"] != "" || options.Exports[0].Attrs["push"] != "" {
		t.Errorf("the options are %+v", options)
	}
	if _, ok := options.Session[0].(*solve.Credentials); !ok {
		t.Errorf("the session has %T", options.Session[0])
	}
	_, output := mustBuild(t, b, r)
	err = filepath.WalkDir(strings.TrimSuffix(strings.TrimPrefix(b.address, "unix://"), "sock"), func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // it was removed, or is a socket
		}
		text, err := os.ReadFile(name)
		if err == nil && bytes.Contains(text, []byte("of the target")) {
			t.Errorf("the password is in %s", name)
		}
		return nil
	})
	if err != nil || strings.Contains(output, "of the target") {
		t.Errorf("error %v, output %s", err, output)
	}
}
