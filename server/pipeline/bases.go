package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/signature"
)

// maxDockerfile bounds a Dockerfile and its ignore file, in bytes.
const maxDockerfile = 4 << 20

// verifyBases verifies the base images if there are rules for them, and replaces the
// path of the Dockerfile by that of one that names verified images only.
func (b *build) verifyBases(ctx context.Context) error {
	rules := b.parameters.BaseRules()
	if len(rules) == 0 {
		return nil
	}
	version := b.builder.Version()
	if version.EnforcesPolicy {
		return nil // see decider
	}
	if !version.ReportsSources {
		return fmt.Errorf("base images are verified, and the builder %s does not report which ones it used: use an engine with BuildKit, or take the rules for base images out", version.Builder)
	}
	var pinned baseimage.Pinned
	err := b.withProgress(ctx, "a base image's registry", func(ctx context.Context) (err error) {
		pinned, err = b.Bases.Pin(ctx, baseimage.Request{
			Dockerfile:  b.text,
			Environment: b.environment(),
			Rules:       rules,
			Triggers:    b.ReadTriggers,
			Access:      b.baseAccess(ctx),
			Verified:    b.logVerified,
		})
		return err
	})
	if command := verifyCommand(err); command != "" {
		return attempt(command, err)
	}
	if err != nil {
		return err
	}
	b.bases = pinned.Images
	b.path, err = b.writePinned(b.path, pinned.Dockerfile)
	return err
}

// decider returns what decides about the sources of the build while it runs. It is nil
// unless there are rules for base images and the builder enforces them. ctx is one of
// withProgress.
func (b *build) decider(ctx context.Context) *baseimage.Decider {
	rules := b.parameters.BaseRules()
	if len(rules) == 0 || !b.builder.Version().EnforcesPolicy {
		return nil
	}
	return b.Bases.Decider(rules, b.baseAccess(ctx), b.logVerified)
}

func (b *build) logVerified(image baseimage.Image) {
	b.log.Info("verified the base image %s: %s, %s%s", image.Reference, image.Digest, image.Method, keyText(image.KeyID))
}

func keyText(id string) string {
	if id == "" {
		return ""
	}
	return ", key " + id
}

// baseAccess returns how the registries of base images and the servers of their rules
// are accessed. ctx is one of withProgress.
func (b *build) baseAccess(ctx context.Context) baseimage.Access {
	return baseimage.Access{
		Common: signature.Access{
			CABundle: b.CABundle,
			Insecure: b.Insecure,
			Progress: func() { progress.Report(ctx) },
			Notice:   func(text string) { b.log.Info("%s", text) },
		},
		Accounts:      b.accounts,
		TrustCABundle: joinLines(b.CABundle, []byte(b.parameters.TrustCA)),
	}
}

// writePinned writes the pinned Dockerfile, and the ignore file that belongs to its
// name, to a folder outside the clone, which stays unchanged.
func (b *build) writePinned(path string, text []byte) (string, error) {
	folder := filepath.Join(b.work, "dockerfile")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("write the pinned Dockerfile: %w", err)
	}
	written := filepath.Join(folder, filepath.Base(path))
	files := map[string][]byte{written: text}
	ignore, err := readRegular(filepath.Dir(path), filepath.Base(path)+".dockerignore")
	if err == nil {
		files[written+".dockerignore"] = ignore
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return "", fmt.Errorf("write the pinned Dockerfile: %w", err)
		}
	}
	// The builder requires a path without symbolic links.
	return filepath.EvalSymlinks(written)
}

// readRegular reads a file in a folder of the clone. As in builders, a link may lead
// to a file within the folder only.
func readRegular(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, withoutPath(err))
	}
	defer root.Close() //nolint:errcheck // only a handle
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: it must be a file, or a link that stays within its folder: %w", name, withoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, withoutPath(err))
	}
	var content bytes.Buffer
	_, err = io.Copy(&content, io.LimitReader(file, maxDockerfile+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if content.Len() > maxDockerfile {
		return nil, fmt.Errorf("%s has too many bytes, at most %d are allowed", name, maxDockerfile)
	}
	return content.Bytes(), nil
}

// checkUsedBases records the images and downloads that the builder used. If there are rules for base
// images, it must have used verified ones only.
func (b *build) checkUsedBases(context.Context) error {
	images, err := b.baseImages(b.used)
	if err != nil {
		return err
	}
	return b.note(func(r *record.Record) {
		r.BaseImages = append(r.BaseImages, images...)
		for _, download := range b.downloads {
			r.Downloads = append(r.Downloads, record.Download{URL: b.redact.Text(download.URL), Digest: download.Digest})
		}
	})
}

// baseImages returns the images that the builder used as the record names them. If
// there are rules, an image that was not verified is an error, and so is one without
// a digest: it can't be compared.
func (b *build) baseImages(used []builder.BaseImage) ([]record.BaseImage, error) {
	var recorded []record.BaseImage
	if len(b.parameters.BaseRules()) == 0 {
		for _, image := range used {
			recorded = append(recorded, record.BaseImage{Reference: image.Reference, Digest: image.Digest})
			if image.Digest == "" {
				b.log.Info("the digest of the image %s is not known: the builder did not report it; name the image by its digest in the Dockerfile", image.Reference)
			}
		}
		return recorded, nil
	}
	var taken []string
	for _, image := range used {
		if image.Digest == "" {
			return nil, fmt.Errorf("the builder used the image %s without reporting its digest, so that it can't be one that was verified: the build fails and its image is removed", image.Reference)
		}
		canonical, _ := dockerfile.Canonical(image.Reference + "@" + image.Digest)
		if !slices.ContainsFunc(b.bases, func(verified baseimage.Image) bool { return verified.Pinned == canonical }) {
			return nil, fmt.Errorf("the builder used the image %s with %s, which was not verified: the build fails and its image is removed", image.Reference, image.Digest)
		}
		taken = append(taken, canonical)
	}
	for _, image := range b.bases {
		if slices.Contains(taken, image.Pinned) {
			recorded = append(recorded, record.BaseImage{Reference: named(image.Reference), Digest: image.Digest, Method: image.Method, KeyID: image.KeyID})
		}
	}
	return recorded, nil
}

// named returns the image's name without its digest, which the record has in a field
// of its own.
func named(reference signature.Reference) string {
	reference.Digest = ""
	return reference.String()
}
