package pipeline

import (
	"context"
	"io"
	"maps"
	"path/filepath"

	"github.com/opensbs/sbs/server/builder"
)

// maxImage bounds the archive of an image, in bytes.
const maxImage = 64 << 30

// archivePath is the file that the built image is written to: it is never in memory.
// push and scanImage read it.
func (b *build) archivePath() string { return filepath.Join(b.work, "image.tar") }

// buildImage builds the Dockerfile. What the build left in the builder is removed while
// the next steps run.
func (b *build) buildImage(ctx context.Context) error {
	output := b.log.Output()
	var image builder.Image
	err := b.withProgress(ctx, peerBuilder, func(ctx context.Context) (err error) {
		image, err = b.buildUnderPolicy(ctx, builder.Request{
			ContextDir: b.contextDir,
			Dockerfile: b.path,
			Args:       b.arguments(),
			Tags:       b.references(),
			Accounts:   b.accounts,
			Committed:  b.checkout.Committed,
			Archive:    b.archivePath(),
			MaxSize:    maxImage,
		}, output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	if command := verifyCommand(err); command != "" {
		return attempt(command, err)
	}
	if err != nil {
		return err
	}
	b.background.start(image.Remove)
	b.used, b.downloads = image.Base, image.Downloads
	return nil
}

// buildUnderPolicy builds, and verifies the base images meanwhile if there are rules for
// them and the builder enforces policies.
func (b *build) buildUnderPolicy(ctx context.Context, request builder.Request, output io.Writer) (builder.Image, error) {
	decider := b.decider(ctx)
	if decider == nil {
		return b.builder.Build(ctx, request, output)
	}
	request.Decide = decider.Decide
	image, err := b.builder.Build(ctx, request, output)
	b.bases = decider.Verified()
	if refused := decider.Err(); err != nil && refused != nil {
		err = refused // the builder's error has only its text
	}
	return image, err
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
