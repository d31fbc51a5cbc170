package pipeline

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/source"
)

// clone fetches the one commit that is built, reserves the space for its manifest, and
// names the build after it.
func (b *build) clone(ctx context.Context) error {
	before, err := b.Disk.Space()
	if err != nil {
		return err
	}
	progress := b.log.Output()
	checkout, err := b.Clone(ctx, b.sourceRequest(), b.clonePath(), progress)
	_ = progress.Close() // writes to the log, which keeps its own error
	if err != nil {
		return err
	}
	b.checkout = checkout
	after, err := b.Disk.Space()
	if err != nil {
		return err
	}
	trimmed, err := b.space().ForManifest(b.keep(b.parameters, b.folder.ID()), before.Free-after.Free)
	b.logTrimmed(trimmed)
	if err != nil {
		return err
	}
	return b.note(func(r *record.Record) {
		r.Commit = checkout.Commit
		r.Committed = checkout.Committed
		r.ImageTag = b.parameters.ImageTag(checkout.Commit)
		r.BuildName = b.buildName()
		for _, submodule := range checkout.Submodules {
			r.Submodules = append(r.Submodules, record.Submodule(submodule))
		}
	})
}

func (b *build) sourceRequest() source.Request {
	p := b.parameters
	return source.Request{
		URL:         p.GitHubURL,
		Reference:   p.GitHubBranch,
		Depth:       p.Depth(),
		Submodules:  p.Submodules,
		LFS:         p.LFS,
		SSHKey:      []byte(p.GitHubKey),
		User:        p.GitHubUser,
		Token:       string(p.GitHubToken),
		Auth:        p.GitHubAuth,
		Credentials: parameters.SourceCredentials(p.GitHubCredentials),
		Anchors: source.Anchors{
			KnownHosts: []byte(p.GitHubKnownHosts), OperatorKnownHosts: b.KnownHosts,
			CABundle: []byte(p.GitHubCA), OperatorCABundle: b.CABundle,
		},
		Proxy:   b.Proxy,
		Timeout: p.ProgressTimeout(),
	}
}

// clonePath is the folder of the clone. It is called git, as in the manifest.
func (b *build) clonePath() string {
	return filepath.Join(b.work, "git")
}

// joinLines joins texts that must each end with a newline.
func joinLines(texts ...[]byte) []byte {
	var joined []byte
	for _, text := range texts {
		if text = bytes.TrimSpace(text); len(text) > 0 {
			joined = append(append(joined, text...), '\n')
		}
	}
	return joined
}
