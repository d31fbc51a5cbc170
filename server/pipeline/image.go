package pipeline

import (
	"context"
	"maps"
	"slices"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/engine"
)

// buildImage verifies the base images, builds the Dockerfile and gives the image
// its names.
func (b *build) buildImage(ctx context.Context) error {
	contextDir, err := b.inClone(keyContext, b.parameters.DockerBuildPath)
	if err == nil {
		err = checkKind(contextDir, keyContext, b.parameters.DockerBuildPath, folder)
	}
	if err != nil {
		return attempt(b.buildCommand(), err)
	}
	path, err := b.findDockerfile()
	if err != nil {
		return attempt(b.buildCommand(), err)
	}
	text, err := b.readDockerfile(ctx, path)
	if err != nil {
		return attempt(b.buildCommand(), err)
	}
	path, err = b.verifyBases(ctx, path, text)
	if err != nil {
		return err
	}
	output := b.log.Output()
	var image engine.Image
	err = b.withProgress(ctx, peerBuilder, func(ctx context.Context) (err error) {
		image, err = b.engine.Build(ctx, engine.BuildRequest{
			ContextDir: contextDir,
			Dockerfile: path,
			Args:       b.arguments(),
			Tags:       b.references(),
			Registries: b.registries(),
		}, output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	if err != nil {
		return attempt(b.buildCommand(), err)
	}
	b.tidy.begin(func(ctx context.Context) error { return b.engine.ClearCache(ctx, image.Cache) })
	images, err := b.baseImages(image.Base)
	if err != nil {
		return attempt(b.buildCommand(), err)
	}
	return attempt(b.buildCommand(), b.note(func(r *record.Record) {
		r.BaseImages = append(r.BaseImages, images...)
	}))
}

// arguments returns the build arguments of the parameters, and those of the
// operator that they do not replace. The record has both.
func (b *build) arguments() map[string]string {
	arguments := operatorArguments(b.BuildArgs, b.parameters.Args)
	if arguments == nil {
		arguments = map[string]string{}
	}
	maps.Copy(arguments, b.parameters.Args)
	return arguments
}

// registries are the credentials for base images: those of the base registry,
// and those of the push registry for bases that lie beside the image.
func (b *build) registries() []engine.Registry {
	p := b.parameters
	registries := []engine.Registry{b.pushRegistry()}
	if p.BaseUser == "" {
		return registries
	}
	base := engine.Registry{Server: p.BaseRegistry(), User: p.BaseUser, Password: string(p.BasePassword)}
	if base.Server == p.Registry() {
		return []engine.Registry{base}
	}
	return append(registries, base)
}

func (b *build) buildCommand() string {
	words := []string{"docker", "build"}
	for _, name := range slices.Sorted(maps.Keys(b.parameters.Args)) {
		words = append(words, "--build-arg", name+"="+b.parameters.Args[name])
	}
	for _, reference := range b.references() {
		words = append(words, "-t", reference)
	}
	contextDir := b.parameters.DockerBuildPath
	if contextDir == "" {
		contextDir = "."
	}
	return commandLine(append(words, "-f", b.dockerfile(), contextDir)...)
}
