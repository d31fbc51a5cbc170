package buildkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/sourcepolicy/policysession"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/builder/solve"
)

// compatibility is the version of BuildKit's defaults for exported images that is asked
// for: those of BuildKit 0.31. A newer daemon then still gives the same digest.
const compatibility = 30

// solveOptions asks for a build with nothing but its files and the credentials of base
// images: no entitlement, no secret, no SSH agent, no cache, and no attestation in the
// image, which would give it another digest each time.
func solveOptions(ctx context.Context, ref string, request builder.Request, sources *policy, to io.WriteCloser) (client.SolveOpt, error) {
	attrs, err := frontendAttrs(request)
	if err != nil {
		return client.SolveOpt{}, err
	}
	files, err := open(ctx, request.ContextDir, request.Committed)
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("open the build context: %w", err)
	}
	dockerfile, err := open(ctx, filepath.Dir(request.Dockerfile), request.Committed)
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("open the folder of the Dockerfile: %w", err)
	}
	return client.SolveOpt{
		Ref:                  ref,
		Exports:              []client.ExportEntry{export(request.Committed, to)},
		CompatibilityVersion: compatibility,
		LocalMounts:          map[string]fsutil.FS{"context": files, "dockerfile": dockerfile},
		Frontend:             "dockerfile.v0",
		FrontendAttrs:        attrs,
		// Under a key it knows, BuildKit takes unchanged files from an earlier
		// build's context, and calls unchanged what has the same size and time.
		SharedKey:            rand.Text(),
		Session:              []session.Attachable{&solve.Credentials{Accounts: request.Accounts}},
		SourcePolicyProvider: policysession.NewPolicyProvider(sources.check),
	}, nil
}

// export asks for an archive in the form of docker save. The manifest in it is an OCI
// one: a Docker manifest has no annotations, and they are the proof that the times of a
// layer were set. Which manifest the registry gets is decided where it is pushed. The
// image has no name in the archive. Layers are compressed by gzip where BuildKit makes
// them, and never again: those of base images stay as their registry has them.
func export(epoch time.Time, to io.WriteCloser) client.ExportEntry {
	return client.ExportEntry{
		Type: client.ExporterDocker,
		Attrs: map[string]string{
			"source-date-epoch": strconv.FormatInt(epoch.Unix(), 10),
			"rewrite-timestamp": "true",
			"oci-mediatypes":    "true",
			"compression":       "gzip",
			"force-compression": "false",
		},
		Output: func(map[string]string) (io.WriteCloser, error) { return to, nil },
	}
}

// open returns the files of a folder with the time of the commit: the time of a clone
// would end up in the layers, which are only set back to the commit's.
func open(ctx context.Context, dir string, committed time.Time) (fsutil.FS, error) {
	files, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	files, err = fsutil.NewFilterFS(files, &fsutil.FilterOpt{Map: func(_ string, stat *types.Stat) fsutil.MapResult {
		stat.Uid, stat.Gid = 0, 0
		stat.ModTime = committed.Truncate(time.Second).UnixNano()
		stat.Xattrs = nil
		return fsutil.MapResultKeep
	}})
	if err != nil {
		return nil, err
	}
	return solve.ReportingFS(ctx, files), nil
}
