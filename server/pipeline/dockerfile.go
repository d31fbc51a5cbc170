package pipeline

// Finding the Dockerfile and the build context in the clone. Errors name the
// parameter and the path in the repository, never a path of the server.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/dockerfile"
)

const (
	keyDockerfile = "DOCKERFILE_PATH"
	keyContext    = "DOCKER_BUILD_PATH"
)

// Names of a Dockerfile. docker build finds the first two without a flag.
const (
	defaultName   = "Dockerfile"
	lowerCaseName = "dockerfile"
	containerfile = "Containerfile"
)

// findDockerfile resolves the paths of the Dockerfile and of the build context in the
// clone. Without a parameter, a dockerfile in lower case is found as docker build
// finds it.
func (b *build) findDockerfile(context.Context) error {
	contextDir, err := b.inClone(keyContext, b.parameters.DockerBuildPath)
	if err == nil {
		err = checkKind(contextDir, keyContext, b.parameters.DockerBuildPath, folder)
	}
	if err != nil {
		return err
	}
	if b.parameters.DockerfilePath == "" {
		b.lowerCase = !b.isFile(defaultName) && b.isFile(lowerCaseName)
	}
	found, err := b.inClone(keyDockerfile, b.dockerfile())
	var refused *api.ParameterError
	if errors.As(err, &refused) {
		refused.Problem += b.dockerfileHint()
	}
	if err == nil {
		err = checkKind(found, keyDockerfile, b.dockerfile(), file)
	}
	b.contextDir, b.path = contextDir, found
	return err
}

// dockerfile returns the Dockerfile's path from the top of the repository.
func (b *build) dockerfile() string {
	switch {
	case b.parameters.DockerfilePath != "":
		return b.parameters.DockerfilePath
	case b.lowerCase:
		return lowerCaseName
	}
	return defaultName
}

// checkDockerfile reads the Dockerfile and checks it before a builder reads it. A
// builder that enforces policies is the only one to read it.
func (b *build) checkDockerfile(ctx context.Context) error {
	if b.builder.Version().EnforcesPolicy {
		return nil
	}
	text, err := readRegular(filepath.Dir(b.path), filepath.Base(b.path))
	if err != nil {
		return err
	}
	err = b.CheckDockerfile(ctx, dockerfile.Request{
		Text: text, Environment: b.environment(), Verified: len(b.parameters.BaseRules()) > 0,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", b.dockerfile(), err)
	}
	b.text = text
	return nil
}

// dockerfileHint names a Dockerfile in the folder that is built, or one at the top
// of the repository under a name that must be given.
func (b *build) dockerfileHint() string {
	for _, dir := range []string{b.parameters.DockerBuildPath, ""} {
		for _, name := range []string{path.Base(b.dockerfile()), defaultName, lowerCaseName, containerfile} {
			if candidate := path.Join(dir, name); b.isFile(candidate) {
				return fmt.Sprintf("; %s is: set %s to it", candidate, keyDockerfile)
			}
		}
	}
	return ""
}

// isFile reports whether a path is that of a file within the clone.
func (b *build) isFile(name string) bool {
	root, err := os.OpenRoot(b.clonePath())
	if err != nil {
		return false
	}
	defer root.Close() //nolint:errcheck // only a handle
	info, err := root.Stat(filepath.FromSlash(name))
	return err == nil && info.Mode().IsRegular()
}

// inClone resolves a path of a parameter within the clone, with symbolic links. The
// repository is not trusted: a link that leaves it is an error.
func (b *build) inClone(key, name string) (string, error) {
	top, err := filepath.EvalSymlinks(b.clonePath())
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(filepath.Join(top, filepath.FromSlash(name)))
	if os.IsNotExist(err) {
		return "", &api.ParameterError{Key: key, Problem: fmt.Sprintf("%q is not in the repository at commit %s", name, b.checkout.Commit)}
	}
	if err != nil {
		return "", &api.ParameterError{Key: key, Problem: fmt.Sprintf("%q can't be resolved in the repository: %v", name, withoutPath(err))}
	}
	if resolved != top && !strings.HasPrefix(resolved, top+string(filepath.Separator)) {
		return "", &api.ParameterError{Key: key, Problem: fmt.Sprintf("%q is a symbolic link that leaves the repository", name)}
	}
	return resolved, nil
}

// withoutPath returns the cause of an error of package os without its path, which is
// one of the server.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// Kinds of files that a parameter can name.
const (
	file   = "a file"
	folder = "a folder"
)

// checkKind returns an error for a path of another kind of file than its parameter
// names.
func checkKind(resolved, key, name, kind string) error {
	info, err := os.Lstat(resolved)
	switch {
	case err != nil:
		return &api.ParameterError{Key: key, Problem: fmt.Sprintf("%q: %v", name, withoutPath(err))}
	case kind == folder && !info.IsDir(), kind == file && !info.Mode().IsRegular():
		return &api.ParameterError{Key: key, Problem: fmt.Sprintf("%q is not %s of the repository: %s takes the path of one", name, kind, key)}
	}
	return nil
}

// environment returns the values with which the Dockerfile is parsed.
func (b *build) environment() dockerfile.Environment {
	version := b.builder.Version()
	return dockerfile.Environment{Args: b.parameters.Args, OS: version.OS, Arch: version.Arch}
}

// inRepository replaces the server's paths of the clone by those in the
// repository.
func (b *build) inRepository(text string) string {
	clones := []string{b.clonePath()}
	if work, err := filepath.EvalSymlinks(filepath.Dir(b.work)); err == nil {
		clones = append(clones, filepath.Join(work, filepath.Base(b.work), filepath.Base(b.clonePath())))
	}
	for _, clone := range clones {
		text = strings.ReplaceAll(text, clone+string(filepath.Separator), "")
		text = strings.ReplaceAll(text, clone, "the repository")
	}
	return text
}
