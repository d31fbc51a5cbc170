package main

// The job "go-program" compiles a Go program in the build. The base image has a module
// cache, so that no network is involved.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/harness/gobase"
)

// goModule is the program: age, which encrypts files, a program of another author.
const goModule = "filippo.io/age@v1.2.1"

// goDockerfile is a typical Dockerfile for a Go program. The base image sets GOPROXY=off:
// nothing can be downloaded that is not in its module cache.
const goDockerfile = `ARG BASE
FROM ${BASE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /out/ ./cmd/...

FROM scratch
COPY --from=build /out/ /
ENTRYPOINT ["/age"]
`

var goProgram = job{
	name: "go-program", what: "whole job, Go program, multi-stage", goal: 0.95,
	prepare: func(ctx context.Context, _ *bench, env *environment) (p prepared, err error) {
		modules := filepath.Join(env.dir, "modules")
		source, err := downloadGo(ctx, modules)
		if err != nil {
			return p, err
		}
		if p.files, err = gitserver.Folder(source); err != nil {
			return p, err
		}
		p.files["Dockerfile"] = gitserver.File{Content: goDockerfile}
		p.changing = "changed.txt"
		engine, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
		if err != nil {
			return p, fmt.Errorf("find the Docker Engine: %w", err)
		}
		base := env.Registry.Address() + "/base/go:bench"
		p.arguments = map[string]string{"BASE": base}
		p.remove = func(ctx context.Context) error {
			_, err := engine.ImageRemove(ctx, base, image.RemoveOptions{})
			return errors.Join(err, engine.Close())
		}
		return p, gobase.Import(ctx, engine, base, map[string]string{"root/go/pkg/mod": modules}, "GOPROXY=off", "GOFLAGS=-mod=readonly")
	},
}

// downloadGo downloads the program and its dependencies to a module cache, and returns
// the folder of the program's source.
func downloadGo(ctx context.Context, modules string) (string, error) {
	cache := program{dir: filepath.Dir(modules), environment: []string{"GOMODCACHE=" + modules, "GOFLAGS=-modcacherw"}}
	out, err := cache.run(ctx, "go", "mod", "download", "-json", goModule)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", goModule, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return "", fmt.Errorf("download %s: %w", goModule, err)
	}
	cache.dir = module.Dir
	if _, err := cache.run(ctx, "go", "mod", "download"); err != nil {
		return "", fmt.Errorf("download the dependencies of %s: %w", goModule, err)
	}
	return module.Dir, nil
}
