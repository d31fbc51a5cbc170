package pipeline

import (
	"context"
	"fmt"
	"os"
)

// cleanUp removes what an earlier build may have left when its server was
// killed: images of this repository in the engine, and scratch files.
func (b *build) cleanUp(ctx context.Context) error {
	command := cleanUpCommand(b.parameters.Repository())
	if err := b.engine.RemoveTagged(ctx, b.parameters.Repository()); err != nil {
		return attempt(command, err)
	}
	if err := os.RemoveAll(b.work); err != nil {
		return attempt(command, fmt.Errorf("remove scratch files: %w", err))
	}
	return attempt(command, os.Mkdir(b.work, 0o700))
}

func cleanUpCommand(repository string) string {
	return commandLine("docker", "image", "rm", "--force", repository)
}
