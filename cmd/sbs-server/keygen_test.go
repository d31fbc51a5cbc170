package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/contract"
	"github.com/opensbs/sbs/client/instanceenv"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server/process"
)

// serving hands on the address that the server logs.
type serving struct {
	slog.Handler
	address chan string
}

func (s serving) Enabled(context.Context, slog.Level) bool { return true }

func (s serving) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(attribute slog.Attr) bool {
		if attribute.Key == "address" {
			s.address <- attribute.Value.String()
		}
		return true
	})
	return nil
}

// deployment is what a developer and the image provider have made.
type deployment struct {
	files  certs.Files
	volume string
}

func newDeployment(t *testing.T) deployment {
	t.Helper()
	t.Chdir(t.TempDir())
	d := deployment{certs.Locate("SBContainer", "1", certs.Named{}), filepath.Join(t.TempDir(), "volume")}
	if err := os.Mkdir(d.volume, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.CreateClient(d.files, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.CreateServer(d.files, "127.0.0.1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return d
}

// environment is what the contract gives the server: the provider's values in
// the folder image, and the developer's, made with the public key next to them.
func (d deployment) environment(t *testing.T, image string) func(string) string {
	t.Helper()
	key, err := instanceenv.ReadPublicKey(filepath.Join(image, enclave.FilePublicKey), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	developer, err := instanceenv.Make(d.files, "127.0.0.1", key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"contract.yaml":               strings.ReplaceAll(contractYAML, "IMAGE", image),
		"instance-env.yaml":           developer.YAML(),
		"compose/docker-compose.yaml": composeYAML,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	document, err := contract.Load(filepath.Join(folder, "contract.yaml"), contract.CCRT)
	if err != nil {
		t.Fatal(err)
	}
	sections, err := document.Sections("", contract.Signer{})
	if err != nil {
		t.Fatal(err)
	}
	// The runtime takes the variables of both sections together.
	values := map[string]string{envListen: "127.0.0.1:0", envVolume: d.volume}
	for _, text := range []string{sections.Env, sections.Workload} {
		var section struct{ Env map[string]string }
		if err := yaml.Load([]byte(text), &section); err != nil {
			t.Fatal(err)
		}
		maps.Copy(values, section.Env)
	}
	return func(name string) string { return values[name] }
}

const contractYAML = `
workload:
  compose: {archive: !archive compose}
  env: !yaml IMAGE/workload-env.yaml
env:
  logging: {logRouter: {hostname: logs.example.com, iamApiKey: key}}
  env: !yaml instance-env.yaml
`

const composeYAML = `
services:
  sbs:
    image: example.com/ns/sbs@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
`

// serve runs the server until ask has returned.
func (d deployment) serve(t *testing.T, getenv func(string) string, ask func(*client.Client)) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	address, done := make(chan string, 1), make(chan error, 1)
	settings, err := readSettings(getenv)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- run(ctx, getenv, settings, slog.New(serving{slog.DiscardHandler, address}), new(process.Sandbox))
	}()
	select {
	case err := <-done:
		return err
	case at := <-address:
		_, port, err := net.SplitHostPort(at)
		if err != nil {
			t.Fatal(err)
		}
		identity, err := certs.LoadClient(d.files, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c := client.New("127.0.0.1", port, identity)
		ask(c)
		c.Close()
	}
	stop()
	return <-done
}

// generated runs keygen and returns the folder that it wrote, and its output.
func generated(t *testing.T, previous string) (folder, output string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "image")
	var out bytes.Buffer
	if err := keygen(&out, folder, previous); err != nil {
		t.Fatal(err)
	}
	return folder, out.String()
}

const ofDeveloper = `{"GITHUB_URL": "git@github.com:owner/repo.git", "DOCKER_REPO": "ns/name", "DOCKER_USER": "user",
	"DOCKER_PASSWORD": "pass-word", "IMAGE_SIGNING": ["simple"], "SECRET": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`

// TestKeygenStartsServers uses the secrets from keygen to the server: in the developer's
// instance-env, in the contract, in a server in its enclave whose status is read over
// mutual TLS, and in the next server image on the same data volume.
func TestKeygenStartsServers(t *testing.T) {
	d := newDeployment(t)
	first, _ := generated(t, "")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.serve(t, d.environment(t, first), func(c *client.Client) {
		_, err := c.Init(t.Context(), []byte(ofDeveloper))
		must(err)
		status, err := c.Status(t.Context())
		must(err)
		if status.Enclave != enclave.KindContract {
			t.Errorf("enclave %q", status.Enclave)
		}
	}))

	// Another image that is not a successor can't unseal the volume of the first one.
	other, _ := generated(t, "")
	if err := d.serve(t, d.environment(t, other), func(*client.Client) {}); !errors.Is(err, enclave.ErrOtherSecret) {
		t.Fatalf("another image started on the volume: %v", err)
	}

	// The successor knows the first one's parameters: it takes their SECRET only.
	successor, _ := generated(t, filepath.Join(first, fileValues))
	wrong := strings.Replace(ofDeveloper, "AAAA", "BBBB", 1)
	must(d.serve(t, d.environment(t, successor), func(c *client.Client) {
		if _, err := c.Update(t.Context(), []byte(wrong)); err == nil {
			t.Error("the SECRET of the server before is forgotten")
		}
		_, err := c.Update(t.Context(), []byte(ofDeveloper))
		must(err)
	}))

	// It sealed all of it again, so the first one is out.
	if err := d.serve(t, d.environment(t, first), func(*client.Client) {}); !errors.Is(err, enclave.ErrOtherSecret) {
		t.Errorf("the image before still opens the volume: %v", err)
	}
}

func TestKeygenKeepsSecrets(t *testing.T) {
	first, _ := generated(t, "")
	folder, output := generated(t, filepath.Join(first, fileValues))
	for name, mode := range map[string]os.FileMode{fileValues: 0o600, enclave.FilePublicKey: 0o644} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %o", name, info, err, mode)
		}
	}
	values, err := readValues(filepath.Join(folder, fileValues))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{enclave.EnvImageSecret, enclave.EnvImagePrivateKey, enclave.EnvImageSecretPrevious} {
		if values(name) == "" || strings.Contains(output, values(name)) {
			t.Errorf("%s is missing, or was printed", name)
		}
	}
	if !strings.Contains(output, "image secret ") || !strings.Contains(output, "succeeds ") || !strings.Contains(output, fileValues) {
		t.Errorf("the output is %q", output)
	}
}

func TestKeygenOverwritesNothing(t *testing.T) {
	for _, name := range []string{fileValues, enclave.FilePublicKey} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := keygen(new(bytes.Buffer), folder, "")
			if err == nil || !strings.Contains(err.Error(), "not overwritten") {
				t.Errorf("got %v", err)
			}
			entries, err := os.ReadDir(folder)
			if err != nil || len(entries) != 1 {
				t.Errorf("left %v, %v", entries, err)
			}
			if content, err := os.ReadFile(path); err != nil || string(content) != "mine" {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
}

func TestKeygenRefusesPreviousValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values")
	for what, content := range map[string]string{
		"not YAML":  "IMAGE_SECRET: [c2VjcmV0",
		"no values": "a: b\n",
		"a list":    "- c2VjcmV0\n",
		"too large": strings.Repeat("#", maxValues+1),
	} {
		t.Run(what, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(t.TempDir(), "image")
			err := keygen(new(bytes.Buffer), folder, file)
			if err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was made: %v", err)
			}
		})
	}
}
