package baseimage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/process"
)

// fixture is a registry that remembers what it was asked.
type fixture struct {
	t    *testing.T
	host string

	runner dockerfile.Runner // of the tasks that read triggers

	mu    sync.Mutex
	asked []string
}

// inline runs a task in this process.
type inline struct{}

func (inline) Run(_ context.Context, task process.Task, read func(io.Reader) error) error {
	var output bytes.Buffer
	if err := dockerfile.RunTriggers(task.Input, &output); err != nil {
		return err
	}
	return read(&output)
}

// dead is a process that a trigger has ended.
type dead struct{}

func (dead) Run(context.Context, process.Task, func(io.Reader) error) error {
	return errors.New("panic: index out of range")
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, runner: inline{}}
	served := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		served.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.host = strings.TrimPrefix(server.URL, "http://")
	return f
}

// image makes an image that differs by its triggers.
func image(t *testing.T, arch string, triggers ...string) v1.Image {
	t.Helper()
	made, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: arch, Config: v1.Config{OnBuild: triggers}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// push gives an image a name, and returns its digest.
func (f *fixture) push(image string, content remote.Taggable) string {
	f.t.Helper()
	reference, err := name.ParseReference(f.host + "/" + image)
	if err != nil {
		f.t.Fatal(err)
	}
	switch content := content.(type) {
	case v1.Image:
		err = remote.Write(reference, content)
	case v1.ImageIndex:
		err = remote.WriteIndex(reference, content)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	found, err := remote.Head(reference)
	if err != nil {
		f.t.Fatal(err)
	}
	return found.Digest.String()
}

// pin pins a Dockerfile, in which HOST is the registry, and allows
// digests for all of its images.
func (f *fixture) pin(text string, digests ...string) (baseimage.Pinned, error) {
	verifiers := baseimage.Verifiers{api.BaseDigest: baseimage.Reviewed}
	f.mu.Lock()
	f.asked = nil
	f.mu.Unlock()
	return verifiers.Pin(f.t.Context(), baseimage.Request{
		Dockerfile:  []byte(strings.ReplaceAll(text, "HOST", f.host)),
		Environment: dockerfile.Environment{OS: "linux", Arch: "s390x"},
		Rules:       []api.BaseRule{{Image: f.host + "/ns/*", Method: api.BaseDigest, Key: api.BaseKey(strings.Join(digests, " "))}},
		Triggers:    dockerfile.Checker{Runner: f.runner}.Triggers,
	})
}
