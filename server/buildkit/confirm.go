package buildkit

import (
	"fmt"

	"github.com/moby/buildkit/util/urlutil"

	"github.com/opensbs/sbs/server/builder"
)

// confirm checks what a build used, by BuildKit's own record, against what was decided:
// a second proof, by another part of BuildKit than the one that asked.
func (p *policy) confirm(images []builder.BaseImage, downloads []builder.Download) error {
	if p.decide == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, image := range images {
		if !p.allows(builder.SourceImage, image.Digest, image.Reference, image.Reference+"@"+image.Digest) {
			return fmt.Errorf("BuildKit used the image %s@%s, which was not decided", image.Reference, image.Digest)
		}
	}
	files := map[string]string{} // names of decided files, by what the record has of them
	for source := range p.decided {
		if source.Kind == builder.SourceHTTP {
			files[urlutil.RedactCredentials(source.Name)] = source.Name
		}
	}
	for _, download := range downloads {
		name, isFile := files[download.URL]
		if isFile && !p.allows(builder.SourceHTTP, download.Digest, name) {
			return fmt.Errorf("BuildKit used %s with the digest %s, which was not decided", download.URL, download.Digest)
		}
		if !isFile && !p.anyAllowed(builder.SourceGit, builder.SourceOther) {
			return fmt.Errorf("BuildKit used %s, which was not decided", download.URL)
		}
	}
	return nil
}

// allows reports whether a source of one of the names was allowed with the digest.
func (p *policy) allows(kind, digest string, names ...string) bool {
	for _, name := range names {
		made, ok := p.decided[builder.Source{Kind: kind, Name: name}]
		if ok && made.err == nil && made.Allow && (made.Digest == "" || made.Digest == digest) {
			return true
		}
	}
	return false
}

// anyAllowed reports whether any source of one of the kinds was allowed: the record
// writes the URLs of repositories in another form than the question.
func (p *policy) anyAllowed(kinds ...string) bool {
	for source, made := range p.decided {
		for _, kind := range kinds {
			if source.Kind == kind && made.err == nil && made.Allow {
				return true
			}
		}
	}
	return false
}
