//go:build stack

package buildkit

// These tests run a BuildKit daemon of their own and a registry in this process.

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"go.uber.org/goleak"

	"github.com/opensbs/sbs/server/builder"
)

// busybox is the static one of Debian's busybox or busybox-static package.
const busybox = "/bin/busybox"

// commitTime is the time of every commit in the tests.
var commitTime = time.Date(2025, 11, 24, 15, 26, 40, 0, time.UTC)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		stopDaemons()
		os.Exit(code)
	}))
}

// daemon is a BuildKit daemon.
type daemon struct {
	address string
	command *exec.Cmd
	dir     string
	bridge  string
}

var (
	daemons      []*daemon
	sharedDaemon = sync.OnceValues(func() (*daemon, error) { return startDaemon() })
)

func stopDaemons() {
	for _, d := range daemons {
		d.stop()
	}
}

// startDaemon starts a daemon with an empty state. It has fewer limits than the one of
// server/buildkitd, which runs no frontend out of an image: what is refused here is
// refused by this package.
func startDaemon() (*daemon, error) {
	program, err := filepath.Abs("../../bin/buildkitd")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "buildkit-test-")
	if err != nil {
		return nil, err
	}
	number := 200 + len(daemons)
	config := fmt.Sprintf(`root = "%[1]s/root"
[grpc]
  address = ["unix://%[1]s/sock"]
[otel]
  socketPath = "%[1]s/otel"
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  gc = false
  networkMode = "bridge"
  cniBinaryPath = "/usr/lib/cni"
  bridgeName = "kittest%[2]d"
  bridgeSubnet = "10.177.%[2]d.0/24"
`, dir, number)
	file := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	d := &daemon{address: "unix://" + dir + "/sock", command: exec.Command(program, "--config", file), dir: dir}
	d.command.Stdout, d.command.Stderr = output, output
	if err := d.command.Start(); err != nil {
		return nil, fmt.Errorf("build it first (make bin/buildkitd): %w", err)
	}
	d.bridge = fmt.Sprintf("kittest%d", number)
	daemons = append(daemons, d)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		b, err := Connect(ctx, d.address)
		if err == nil {
			return d, b.Close()
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			return nil, fmt.Errorf("the daemon does not start: %w\n%s", err, text)
		}
	}
}

func (d *daemon) stop() {
	if d.command.ProcessState == nil {
		d.command.Process.Signal(syscall.SIGTERM)
		d.command.Wait()
	}
	// A daemon that was killed leaves what it mounted.
	mounts, _ := os.ReadFile("/proc/self/mounts")
	lines := strings.Split(string(mounts), "\n")
	for _, line := range slices.Backward(lines) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], d.dir+"/") {
			syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	os.RemoveAll(d.dir)
	exec.Command("ip", "link", "delete", d.bridge).Run()
}

// connect returns the builder of the daemon that all tests share.
func connect(t *testing.T) *Builder {
	t.Helper()
	d, err := sharedDaemon()
	if err != nil {
		t.Fatal(err)
	}
	return connectTo(t, d)
}

func connectTo(t *testing.T, d *daemon) *Builder {
	t.Helper()
	b, err := Connect(t.Context(), d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
			t.Logf("the daemon's log ends with:\n%s", text[max(0, len(text)-4000):])
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// images is a registry, and makes images for it.
type images struct {
	t    *testing.T
	host string

	mu      sync.Mutex
	fetched []string // paths that a daemon asked for
}

func newImages(t *testing.T) *images {
	t.Helper()
	i := &images{t: t}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "buildkit/") {
			i.mu.Lock()
			i.fetched = append(i.fetched, r.Method+" "+r.URL.Path)
			i.mu.Unlock()
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.host = strings.TrimPrefix(server.URL, "http://")
	return i
}

// fetches returns what daemons asked for of a repository.
func (i *images) fetches(repository string) []string {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(i.fetched), func(request string) bool {
		return !strings.Contains(request, " /v2/"+repository+"/")
	})
}

// member is a file of a layer. A name that ends in "/" is a folder, and content that
// begins with "-> " the target of a symbolic link.
type member struct{ name, content string }

// layer makes a layer out of members, with a time after that of the commit.
func (i *images) layer(members ...member) v1.Layer {
	i.t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for _, member := range members {
		header := &tar.Header{Name: member.name, Mode: 0o755, Size: int64(len(member.content)), ModTime: commitTime.Add(100 * 24 * time.Hour)}
		if strings.HasSuffix(member.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if target, ok := strings.CutPrefix(member.content, "-> "); ok {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, target, 0
			member.content = ""
		}
		if err := w.WriteHeader(header); err != nil {
			i.t.Fatal(err)
		}
		if _, err := io.WriteString(w, member.content); err != nil {
			i.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		i.t.Fatal(err)
	}
	made, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil },
		tarball.WithCompressionLevel(gzip.BestSpeed)) // not as BuildKit or server/push compress
	if err != nil {
		i.t.Fatal(err)
	}
	return made
}

// put puts an image into the registry, and returns its full name and its digest.
// triggers are ONBUILD instructions.
func (i *images) put(tag string, layers []v1.Layer, triggers ...string) (reference, digest string) {
	i.t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		i.t.Fatal(err)
	}
	image, err = mutate.ConfigFile(image, i.config(image, triggers))
	if err != nil {
		i.t.Fatal(err)
	}
	reference = i.host + "/" + tag
	to, err := name.ParseReference(reference)
	if err != nil {
		i.t.Fatal(err)
	}
	if err := remote.Write(to, image); err != nil {
		i.t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		i.t.Fatal(err)
	}
	return reference, hash.String()
}

func (i *images) config(image v1.Image, triggers []string) *v1.ConfigFile {
	i.t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		i.t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Config.Env = []string{"PATH=/bin"}
	config.Config.OnBuild = triggers
	return config
}

// shell returns a layer with a shell and the programs that the tests run.
func (i *images) shell() v1.Layer {
	i.t.Helper()
	program, err := os.ReadFile(busybox)
	if err != nil {
		i.t.Fatalf("the test needs a static busybox (apt-get install busybox-static): %v", err)
	}
	members := []member{{"bin/", ""}, {"bin/busybox", string(program)}}
	for _, applet := range []string{"sh", "cat", "echo", "sleep", "touch", "test", "rm", "ln", "mkdir", "date", "head"} {
		members = append(members, member{"bin/" + applet, "-> busybox"})
	}
	return i.layer(members...)
}

// tree writes files (path to content) into a new folder and returns its path.
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
func request(t *testing.T, dir string) builder.Request {
	t.Helper()
	return builder.Request{
		ContextDir: dir,
		Dockerfile: filepath.Join(dir, "Dockerfile"),
		Tags:       []string{"registry.example/test/image:1"},
		Committed:  commitTime,
		Archive:    filepath.Join(t.TempDir(), "image.tar"),
		MaxSize:    1 << 30,
	}
}

// mustBuild builds, removes what is left in the daemon, and returns the image and the
// output.
func mustBuild(t *testing.T, b *Builder, r builder.Request) (builder.Image, string) {
	t.Helper()
	var output bytes.Buffer
	image, err := b.Build(t.Context(), r, &output)
	if err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	if err := image.Remove(t.Context()); err != nil {
		t.Error(err)
	}
	return image, output.String()
}

// failedBuild builds and returns the error.
func failedBuild(t *testing.T, b *Builder, r builder.Request) error {
	t.Helper()
	var output bytes.Buffer
	_, err := b.Build(t.Context(), r, &output)
	if err == nil {
		t.Fatalf("the build succeeds:\n%s", &output)
	}
	if _, gone := os.Stat(r.Archive); !os.IsNotExist(gone) {
		t.Errorf("the archive is left: %v", gone)
	}
	return err
}
