package pipeline

import (
	"context"
	"maps"

	"github.com/opensbs/sbs/server/engine"
)

// buildImage builds the Dockerfile and gives the image its names. What the build added
// to the engine's cache is removed while the next steps run.
func (b *build) buildImage(ctx context.Context) error {
	output := b.log.Output()
	var image engine.Image
	err := b.withProgress(ctx, peerBuilder, func(ctx context.Context) (err error) {
		image, err = b.engine.Build(ctx, engine.BuildRequest{
			ContextDir: b.contextDir,
			Dockerfile: b.path,
			Args:       b.arguments(),
			Tags:       b.references(),
			Accounts:   b.accounts,
		}, output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	if err != nil {
		return err
	}
	b.background.start(func(ctx context.Context) error { return b.engine.ClearCache(ctx, image.Cache) })
	b.used = image.Base
	return nil
}

// arguments returns the build arguments of the parameters, and those of the operator
// that they do not replace. The record has both.
func (b *build) arguments() map[string]string {
	arguments := operatorArguments(b.BuildArgs, b.parameters.Args)
	if arguments == nil {
		arguments = map[string]string{}
	}
	maps.Copy(arguments, b.parameters.Args)
	return arguments
}
