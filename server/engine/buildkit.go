package engine

// A build with BuildKit is one call with everything that the build may use: two folders,
// accounts, arguments.

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"

	"github.com/opensbs/sbs/server/builder/solve"
)

// buildWithBuildKit returns the state of the cache even when it fails.
func (e *Engine) buildWithBuildKit(ctx context.Context, request BuildRequest, output io.Writer) (built Image, err error) {
	options, err := solveOptions(ctx, request)
	if err != nil {
		return Image{}, err
	}
	kit, err := e.dialBuildKit(ctx)
	if err != nil {
		return Image{}, err
	}
	defer kit.Close()
	defer solve.CutAfterGrace(ctx, kit)()

	before, err := solve.ListCache(ctx, kit)
	if err != nil {
		return Image{}, err
	}
	built = Image{Cache: before}
	report, response, err := solve.Run(ctx, kit, options, output)
	if err != nil {
		return built, report.Explain(err, ErrStopped)
	}
	if built.Base, err = baseImages(report.Base); err != nil {
		return built, err
	}
	built.ID = response.ExporterResponse[exptypes.ExporterImageDigestKey]
	if built.ID == "" {
		return built, fmt.Errorf("BuildKit did not report which image it made; its reply holds %v", response.ExporterResponse)
	}
	return built, nil
}

// solveOptions returns the options of a build with nothing but its files and its
// credentials: no entitlement, no secret, no SSH agent, no cache.
func solveOptions(ctx context.Context, request BuildRequest) (buildkit.SolveOpt, error) {
	files, err := fsutil.NewFS(request.ContextDir)
	if err != nil {
		return buildkit.SolveOpt{}, fmt.Errorf("open the build context: %w", err)
	}
	dockerfile, err := fsutil.NewFS(filepath.Dir(request.Dockerfile))
	if err != nil {
		return buildkit.SolveOpt{}, fmt.Errorf("open the folder of the Dockerfile: %w", err)
	}
	return buildkit.SolveOpt{
		Exports: []buildkit.ExportEntry{{
			Type:  "moby",
			Attrs: map[string]string{"name": strings.Join(request.Tags, ",")},
		}},
		LocalMounts:   map[string]fsutil.FS{"context": solve.ReportingFS(ctx, files), "dockerfile": solve.ReportingFS(ctx, dockerfile)},
		Frontend:      "dockerfile.v0",
		FrontendAttrs: frontendAttrs(request),
		// Under a key it knows, BuildKit takes unchanged files from an earlier
		// build's context, and calls unchanged what has the same size and time.
		SharedKey: rand.Text(),
		Session:   []session.Attachable{&solve.Credentials{Accounts: request.Accounts}},
	}, nil
}

// frontendAttrs are the parameters of BuildKit's Dockerfile frontend, see
// https://docs.docker.com/build/buildkit/frontend/. The namespace of the cache
// mounts comes last: an argument of the request may not choose an old one.
func frontendAttrs(request BuildRequest) map[string]string {
	attrs := map[string]string{
		"filename": filepath.Base(request.Dockerfile),
		"no-cache": "",
	}
	for name, value := range request.Args {
		attrs["build-arg:"+name] = value
	}
	attrs["build-arg:BUILDKIT_CACHE_MOUNT_NS"] = rand.Text()
	return attrs
}
