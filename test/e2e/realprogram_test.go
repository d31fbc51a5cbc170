//go:build stack

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/harness/gobase"
	"github.com/opensbs/sbs/test/kit"
)

// The program that is built: age, which encrypts files. It is a program of another
// project, and has dependencies that the build downloads.
const (
	programModule  = "filippo.io/age"
	programVersion = "v1.2.1"
)

// programDockerfile is a typical Dockerfile of a Go program.
const programDockerfile = `ARG BASE
FROM ${BASE} AS build
ARG GOPROXY
ARG GOSUMDB
ARG GOPRIVATE
ARG GONOSUMDB
ARG GOFLAGS
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /out/ ./cmd/...

FROM scratch
COPY --from=build /out/ /
ENTRYPOINT ["/age"]
`

// A program of the module proxy is built, with its dependencies downloaded during the
// build, and the image works: it encrypts and decrypts.
func TestBuildOfRealProgram(t *testing.T) {
	env := shared
	source := download(t)
	content, err := gitserver.Folder(source)
	if err != nil {
		t.Fatal(err)
	}
	content["Dockerfile"] = gitserver.File{Content: programDockerfile}
	commit, err := gitserver.CreateRepository(t.Context(), env.GitRoot, "program.git", content)
	if err != nil {
		t.Fatal(err)
	}
	base := env.goImage(t)
	arguments := goSettings(t)
	arguments["BASE"] = base
	env.Initialise(t, "program", map[string]any{"ARG": arguments})
	built := env.MustBuildWithin(t, 5*time.Minute) // downloads and compiles
	image := env.ImageOf("program")

	record := env.record(t)
	if record.Commit != commit || len(record.BaseImages) != 1 || record.BaseImages[0].Reference != base {
		t.Errorf("the record has the commit %s and the base images %+v", record.Commit, record.BaseImages)
	}
	if !strings.Contains(built.Log(), "RUN go mod download") {
		t.Errorf("the log does not have the download:\n%s", built.Log())
	}
	document := read(t, env.unpackManifest(t, built.BuildName), "data", "sbom.spdx.json")
	modules := packagesOf(t, []byte(document))
	if modules["filippo.io/edwards25519"] == "" || modules["golang.org/x/crypto"] == "" || modules["go"] == "" {
		t.Errorf("the SBOM has %v", modules)
	}
	reference := env.pull(t, image)
	identity := env.container(t, "", "--entrypoint", "/age-keygen", reference)
	_, recipient, _ := strings.Cut(identity, "# public key: ")
	recipient, _, _ = strings.Cut(recipient, "\n")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "identity"), []byte(identity), 0o600); err != nil {
		t.Fatal(err)
	}
	const message = "What was reviewed is what runs.\n"
	sealed := env.container(t, message, reference, "--encrypt", "--armor", "--recipient", recipient)
	if !strings.HasPrefix(sealed, "-----BEGIN AGE ENCRYPTED FILE-----\n") || strings.Contains(sealed, message) {
		t.Fatalf("the image encrypts to %q", sealed)
	}
	opened := env.container(t, sealed, "--volume", folder+":/keys:ro", reference, "--decrypt", "--identity", "/keys/identity")
	if opened != message {
		t.Errorf("the image decrypts to %q, want %q", opened, message)
	}
}

// goImage imports a base image for Go programs into the engine, which the test's
// cleanup removes, and returns its reference.
func (env *environment) goImage(t *testing.T) string {
	t.Helper()
	name := env.Registry.Address() + "/base/go:1"
	if err := gobase.Import(t.Context(), env.Docker, name, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := env.Docker.ImageRemove(context.Background(), name, image.RemoveOptions{}); err != nil {
			t.Error(err)
		}
	})
	return name
}

// download downloads the program from the module proxy and returns the folder of its
// source.
func download(t *testing.T) string {
	t.Helper()
	s := kit.MustExecute(t, t.TempDir(), nil, "", "go", "mod", "download", "-json", programModule+"@"+programVersion)
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(s.Out), &module); err != nil || module.Dir == "" {
		t.Fatalf("go mod download: %v: %s", err, s.Out)
	}
	return module.Dir
}

// goSettings returns the settings of the machine's Go for module downloads.
func goSettings(t *testing.T) map[string]string {
	t.Helper()
	s := kit.MustExecute(t, t.TempDir(), nil, "", "go", "env", "-json", "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOSUMDB", "GOFLAGS")
	settings := map[string]string{}
	if err := json.Unmarshal([]byte(s.Out), &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}
