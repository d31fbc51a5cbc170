//go:build stack

package engine

// These tests talk to the Docker Engine of the machine and to a registry in
// this process. Every test has a repository of its own, which is removed with
// all its images at the end.

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/docker/docker/api/types/image"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
)

// busybox is the static one of Debian's busybox or busybox-static package.
const busybox = "/bin/busybox"

const (
	testUser     = "builder"
	testPassword = "correct horse battery staple"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard) // the registry logs every request
	goleak.VerifyTestMain(m,
		// The registry's, which has no way to end it.
		goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run"))
}

// each runs a test with both builders.
func each(t *testing.T, test func(t *testing.T, e *Engine)) {
	for _, builder := range []Builder{BuildKit, Classic} {
		t.Run(string(builder), func(t *testing.T) { test(t, connect(t, builder)) })
	}
}

func connect(t *testing.T, builder Builder) *Engine {
	t.Helper()
	e, err := Connect(t.Context(), "", builder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// repository gives a repository name that no other test uses.
func repository(t *testing.T, e *Engine, host string) string {
	t.Helper()
	name := host + "/sbs-test/" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		if err := e.RemoveTagged(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return name
}

// base imports an image that holds nothing but a shell.
func base(t *testing.T, e *Engine, tag string) {
	t.Helper()
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatalf("the test needs a static busybox (apt-get install busybox-static): %v", err)
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	write := func(header *tar.Header, content []byte) {
		header.Size = int64(len(content))
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	write(&tar.Header{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755}, nil)
	write(&tar.Header{Name: "bin/busybox", Mode: 0o755}, program)
	for _, applet := range []string{"sh", "cat", "echo", "sleep", "touch", "test", "nc"} {
		write(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox"}, nil)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	stream, err := e.api.ImageImport(t.Context(), image.ImportSource{Source: &root, SourceName: "-"}, tag,
		image.ImportOptions{Changes: []string{"ENV PATH=/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		t.Fatal(err)
	}
}

// registry starts a registry and gives its host. With a password it lets only
// testUser in.
func registry(t *testing.T, password string) string {
	t.Helper()
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"inmemory":    configuration.Parameters{},
			"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	config.Log.Level = "panic"
	config.Log.AccessLog.Disabled = true
	config.HTTP.Secret = "only for tests"
	if password != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "htpasswd")
		if err := os.WriteFile(path, fmt.Appendf(nil, "%s:%s\n", testUser, hash), 0o600); err != nil {
			t.Fatal(err)
		}
		config.Auth = configuration.Auth{"htpasswd": configuration.Parameters{"realm": "test", "path": path}}
	}
	app := handlers.NewApp(context.Background(), config)
	server := httptest.NewServer(app)
	t.Cleanup(func() {
		server.Close()
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return strings.TrimPrefix(server.URL, "http://")
}

// tree writes files (path to content) into a new folder and gives its path.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// request asks for dir's Dockerfile with dir as the context.
func request(dir, tag string) BuildRequest {
	return BuildRequest{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tags: []string{tag}}
}

// mustBuild builds and gives the image and the output.
func mustBuild(t *testing.T, e *Engine, r BuildRequest) (Image, string) {
	t.Helper()
	var output bytes.Buffer
	built, err := e.Build(t.Context(), r, &output)
	if err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	return built, output.String()
}

// eventually waits until the condition holds, at most ten seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still not so after ten seconds: %s", what)
		}
	}
}
