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
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/signature"
)

// BaseVerifier is what the pipeline asks of the verifying of base images.
type BaseVerifier interface {
	Check(rules []api.BaseRule) error
	Pin(ctx context.Context, request baseimage.Request) (baseimage.Pinned, error)
}

// maxDockerfile bounds a Dockerfile and its ignore file, in bytes.
const maxDockerfile = 4 << 20

// verifyBases has the base images verified, where there are rules for them, and
// answers what to build: the path of the Dockerfile as it was cloned, or of one
// that names verified images only.
func (b *build) verifyBases(ctx context.Context, path string, text []byte) (string, error) {
	rules := b.parameters.BaseRules()
	if len(rules) == 0 {
		return path, nil
	}
	if version := b.engine.Version(); version.Builder != engine.BuildKit {
		return "", attempt(b.buildCommand(), fmt.Errorf("base images are verified, and the %s builder of Docker Engine %s does not report which ones it used: use an engine with BuildKit, or take the rules for base images out", version.Builder, version.Engine))
	}
	var pinned baseimage.Pinned
	err := b.withProgress(ctx, "a base image's registry", func(ctx context.Context) (err error) {
		pinned, err = b.Bases.Pin(ctx, baseimage.Request{
			Dockerfile:  text,
			Environment: b.environment(),
			Rules:       rules,
			Access: func(repository string, rule api.BaseRule) signature.Access {
				return b.baseAccess(ctx, repository, rule)
			},
			Verified: func(image baseimage.Image) {
				b.log.Info("verified the base image %s: %s, %s%s", image.Reference, image.Digest, image.Method, keyText(image.KeyID))
			},
		})
		return err
	})
	if err != nil {
		return "", attempt(b.verifyCommand(err), err)
	}
	b.bases = pinned.Images
	pinnedPath, err := b.writePinned(path, pinned.Dockerfile)
	return pinnedPath, attempt(b.buildCommand(), err)
}

func keyText(id string) string {
	if id == "" {
		return ""
	}
	return ", key " + id
}

// baseAccess is how an image and the server of its rule are asked; ctx is one of
// withProgress.
func (b *build) baseAccess(ctx context.Context, repository string, rule api.BaseRule) signature.Access {
	access := signature.Access{
		CABundle: b.CABundle,
		Insecure: b.Insecure,
		Progress: func() { progress.Report(ctx) },
		Notice:   func(text string) { b.log.Info("%s", text) },
	}
	if rule.Method == api.SigningDCT {
		access.CABundle = joinLines(b.CABundle, []byte(b.parameters.TrustCA))
	}
	host, _, _ := strings.Cut(repository, "/")
	for _, registry := range b.registries() {
		if strings.EqualFold(registry.Server, host) {
			access.User, access.Password = registry.User, registry.Password
			break
		}
	}
	return access
}

// writePinned writes the pinned Dockerfile beside the clone, which stays as it
// was, and with it the ignore file that goes by its name.
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
	// The builder wants a path without symbolic links.
	return filepath.EvalSymlinks(written)
}

// readRegular reads a file of a folder of the clone. A link is followed within its
// folder, as builders do: beyond it, it could lead to any file.
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

// baseImages returns what the record has of the images that the builder used.
// Where they are verified, it must have used no other; an image whose digest the
// builder did not report is none that was verified.
func (b *build) baseImages(used []engine.BaseImage) ([]record.BaseImage, error) {
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

// named is the image's name without its digest, which stands apart.
func named(reference signature.Reference) string {
	reference.Digest = ""
	return reference.String()
}

// verifyCommand is the check of a base image as a person would have typed it.
func (b *build) verifyCommand(err error) string {
	var refused *signature.Error
	if !errors.As(err, &refused) {
		return b.buildCommand() // the Dockerfile is at fault
	}
	image := refused.Image.String()
	switch refused.Method {
	case api.SigningDCT:
		return commandLine("docker", "trust", "inspect", image)
	case api.SigningSimple:
		return commandLine("skopeo", "standalone-verify", "<MANIFEST>", image, "<KEY>", "<SIGNATURE>")
	case api.SigningSigstore, api.SigningSigstoreLegacy:
		return commandLine("cosign", "verify", "--key", "<KEY>", image)
	}
	return commandLine("docker", "manifest", "inspect", image)
}
