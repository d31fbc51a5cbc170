package pipeline

// The status of a failed build has the command line that a person would have typed
// for what failed: that of its step, or of a part of the step. Clients show it, and
// some compare it, so the texts stay as they are.

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/signature"
)

// invocation holds the variable parts of the steps' command lines. Fields that are
// not known are zero, and their flags are left out.
type invocation struct {
	source     string // URL of the repository
	depth      int
	branch     string
	submodules bool

	args       map[string]string
	references []string // of the image: repository:tag
	dockerfile string
	context    string

	repository string
	buildName  string
}

// invocation returns that of the running build.
func (b *build) invocation() invocation {
	return invocation{
		source:     b.parameters.GitHubURL,
		depth:      b.parameters.Depth(),
		branch:     b.parameters.GitHubBranch,
		submodules: b.parameters.Submodules,
		args:       b.parameters.Args,
		references: b.references(),
		dockerfile: b.dockerfile(),
		context:    b.parameters.DockerBuildPath,
		repository: b.parameters.Repository(),
		buildName:  b.buildName(),
	}
}

// invocationOf returns that of a build of which there is only the record, so its
// command lines may be shorter.
func invocationOf(r record.Record) invocation {
	return invocation{
		source:     r.SourceURL(),
		references: []string{r.Repository + ":" + r.ImageTag},
		repository: r.Repository,
		buildName:  r.BuildName,
	}
}

func removeCommand(i invocation) string {
	return commandLine("docker", "image", "rm", "--force", i.repository)
}

func cloneCommand(i invocation) string {
	words := []string{"git", "clone"}
	if i.depth > 0 {
		words = append(words, "--depth", strconv.Itoa(i.depth))
	}
	if i.branch != "" {
		words = append(words, "--branch", i.branch)
	}
	if i.submodules {
		words = append(words, "--recurse-submodules")
	}
	return commandLine(append(words, i.source)...)
}

func buildCommand(i invocation) string {
	words := []string{"docker", "build"}
	for _, name := range slices.Sorted(maps.Keys(i.args)) {
		words = append(words, "--build-arg", name+"="+i.args[name])
	}
	for _, reference := range i.references {
		words = append(words, "-t", reference)
	}
	if i.dockerfile != "" {
		words = append(words, "-f", i.dockerfile)
	}
	if i.context == "" {
		i.context = "."
	}
	return commandLine(append(words, i.context)...)
}

func pushCommand(i invocation) string { return commandLine("docker", "push", i.references[0]) }

func manifestCommand(i invocation) string {
	return commandLine("tar", "-cjf", manifest.Name(i.buildName)+".tbz", "data", "git")
}

// verifyCommand is the verification of the base image that err rejects. It is empty
// when the Dockerfile is the cause.
func verifyCommand(err error) string {
	var refused *signature.Error
	if !errors.As(err, &refused) {
		return ""
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

func loginCommand(registry string) string {
	return commandLine("docker", "login", "--username", "<USERNAME>", "--password", "<PASSWORD>", registry)
}

// signCommand is the signing of an image by a method; byDigest is its name with the
// digest.
func signCommand(method, reference, byDigest string) string {
	switch method {
	case api.SigningSimple:
		return commandLine("podman", "image", "sign", "--sign-by", "<KEY>", "docker://"+reference)
	case api.SigningSigstore:
		return commandLine("cosign", "sign", "--key", "<KEY>", byDigest)
	case api.SigningSigstoreLegacy:
		return commandLine("cosign", "sign", "--new-bundle-format=false", "--key", "<KEY>", byDigest)
	}
	return commandLine("docker", "trust", "sign", reference)
}

func sbomCommand(reference string) string {
	return commandLine("docker", "sbom", "--format", "spdx-json", reference)
}

// stepError is the failure of a step: the cause, and the command line that failed.
type stepError struct {
	command string
	cause   error
}

func (e *stepError) Error() string { return e.cause.Error() }
func (e *stepError) Unwrap() error { return e.cause }

// attempt returns err, if there is one, with the command line that failed.
func attempt(command string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{command, err}
}

// failedIn returns err with the command line of the step, unless it has one already.
// A panic is a fault of the server, and no command failed.
func (b *build) failedIn(s step, err error) error {
	if errors.As(err, new(*stepError)) || errors.As(err, new(*panics.Error)) {
		return err
	}
	return attempt(s.command(b.invocation()), err)
}

// commandLine joins words as a shell would need them. A word in angle brackets is a
// placeholder for a secret and is not quoted.
func commandLine(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = shellWord(word)
	}
	return strings.Join(quoted, " ")
}

func shellWord(word string) string {
	if word == "" {
		return "''"
	}
	if strings.HasPrefix(word, "<") && strings.HasSuffix(word, ">") {
		return word
	}
	plain := strings.IndexFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r))
	}) < 0
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
