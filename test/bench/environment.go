package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// environment is the stack of one part, and the folder of its user.
type environment struct {
	*harness.Stack
	dir  string // for other files of the part, such as clones
	user program
	cli  string // path of sbs-cli
}

// start starts a stack. close stops it.
func (b *bench) start(ctx context.Context) (*environment, error) {
	dir, err := os.MkdirTemp(b.dir, "part")
	if err != nil {
		return nil, err
	}
	options := b.programs
	options.Dir = filepath.Join(dir, "stack")
	stack, err := harness.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	return &environment{stack, dir, program{dir: stack.Dir()}, options.ClientBinary}, nil
}

// close removes the server's builds from the engine, stops the stack and removes its
// folder.
func (env *environment) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var cleaned error
	if env.Server.PID() != 0 {
		_, cleaned = env.user.run(ctx, env.cli, "clean", "--env", "sbs-config.json")
	}
	return errors.Join(cleaned, env.Close(ctx), os.RemoveAll(env.dir))
}

// files returns the files of a repository from their content.
func files(content map[string]string) map[string]gitserver.File {
	converted := make(map[string]gitserver.File, len(content))
	for name, text := range content {
		converted[name] = gitserver.File{Content: text}
	}
	return converted
}

// configure writes the configuration for one repository, which is the stack's with
// changes, and runs init with it.
func (env *environment) configure(ctx context.Context, name string, changes map[string]any) error {
	text, err := os.ReadFile(filepath.Join(env.Dir(), "sbs-config.json"))
	if err != nil {
		return err
	}
	var settings map[string]any
	if err := json.Unmarshal(text, &settings); err != nil {
		return fmt.Errorf("read the stack's configuration: %w", err)
	}
	delete(settings, "ARG")
	settings["GITHUB_URL"], settings["DOCKER_REPO"] = env.Git.SSHURL(name+".git"), "sbs/"+name
	maps.Copy(settings, changes)
	if text, err = json.Marshal(settings); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(env.Dir(), name+".json"), text, 0o600); err != nil {
		return err
	}
	_, err = env.user.run(ctx, env.cli, "init", "--env", name+".json")
	return err
}

// build builds the configured repository with sbs-cli, as a user does, and returns when
// the build has succeeded. The client follows the server's events and does not poll.
func (env *environment) build(ctx context.Context, name string) error {
	_, err := env.user.run(ctx, env.cli, "build", "--env", name+".json", "--follow")
	return err
}
