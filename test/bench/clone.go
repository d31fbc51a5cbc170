package main

// The part "clone" compares server/source with git clone, each in its own process.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/bench/tree"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// growthGoal is how many MB the memory of a clone may grow when the repository grows
// from a tenth to 300 MB in 20,000 files.
const growthGoal = 16

// protocol is a protocol of the Git server. The name of a repository is appended to its
// URLs.
type protocol struct {
	name    string
	git     string   // URL for git
	env     []string // of git
	request source.Request
}

// clone measures the part "clone".
func (b *bench) clone(ctx context.Context) (part result.Part, err error) {
	env, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, env.close(ctx)) }()
	logf("creating repositories")
	if err := env.createRepositories(ctx); err != nil {
		return part, err
	}
	protocols, err := env.protocols()
	if err != nil {
		return part, err
	}
	for _, protocol := range protocols {
		var peaks [2][]float64
		for i, repository := range []struct{ name, what string }{
			{"tenth", "a tenth of it"}, {"large", "300 MB in 20,000 files"}, {"history", "20,000 commits"},
		} {
			them, us, err := b.clonePairs(ctx, env, protocol, repository.name)
			if err != nil {
				return part, err
			}
			if i < len(peaks) {
				peaks[i] = us.memory
			}
			if i == 0 {
				continue // only its memory is needed
			}
			what := fmt.Sprintf("clone over %s, %s", protocol.name, repository.what)
			part.Rows = append(part.Rows,
				result.Row{What: what, Unit: "s", ComparedWith: "git clone", Theirs: them.time, Ours: us.time, Goal: result.Ratio(1)},
				result.Row{What: what + ", peak memory", Unit: "MB", ComparedWith: "git clone", Theirs: them.memory, Ours: us.memory})
		}
		grown := result.Of(peaks[1]).Median - result.Of(peaks[0]).Median
		part.Rows = append(part.Rows, result.Row{What: fmt.Sprintf("clone over %s, memory for 10 times the repository", protocol.name),
			Unit: "MB", Ours: []float64{grown}, Goal: result.Value(growthGoal)})
	}
	return part, nil
}

// createRepositories creates the repositories that are cloned.
func (env *environment) createRepositories(ctx context.Context) error {
	whole, err := largeTree(env.dir)
	if err != nil {
		return err
	}
	random := filepath.Join(env.dir, "tenth")
	if err := os.Mkdir(random, 0o755); err != nil {
		return err
	}
	tenth, err := tree.Mixed(random, 27, 1_973)
	if err != nil {
		return err
	}
	_, first := gitserver.CreateRepository(ctx, env.GitRoot, "large.git", whole)
	_, second := gitserver.CreateRepository(ctx, env.GitRoot, "tenth.git", tenth)
	return errors.Join(first, second, tree.History(ctx, env.GitRoot, "history.git", 20_000))
}

// protocols returns the protocols of the stack's Git server.
func (env *environment) protocols() ([]protocol, error) {
	var stack struct {
		User  string `json:"git_user"`
		Token string `json:"git_token"`
	}
	text, err := os.ReadFile(filepath.Join(env.Dir(), "stack.json"))
	if err == nil {
		err = json.Unmarshal(text, &stack)
	}
	if err != nil {
		return nil, fmt.Errorf("read the stack's description: %w", err)
	}
	key, err := os.ReadFile(filepath.Join(env.Dir(), "git-key"))
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(env.Git.HTTPSURL(""))
	if err != nil {
		return nil, err
	}
	address.User = url.UserPassword(stack.User, stack.Token)
	return []protocol{{
		name:    "SSH",
		git:     env.Git.SSHURL(""),
		env:     []string{env.sshCommand()},
		request: source.Request{URL: env.Git.SSHURL(""), SSHKey: key, Anchors: source.Anchors{KnownHosts: env.Git.KnownHosts()}},
	}, {
		name:    "HTTPS",
		git:     address.String(),
		env:     []string{"GIT_SSL_CAINFO=" + filepath.Join(env.Dir(), "ca.pem")},
		request: source.Request{URL: env.Git.HTTPSURL(""), User: stack.User, Token: stack.Token, Anchors: source.Anchors{CABundle: env.Git.CABundle()}},
	}}, nil
}

// usages are the time and memory of the processes of one side.
type usages struct{ time, memory []float64 }

func (s *usages) add(u usage) { s.time, s.memory = append(s.time, u.Seconds), append(s.memory, u.Peak) }

// clonePairs clones a repository alternately with git and with server/source.
func (b *bench) clonePairs(ctx context.Context, env *environment, p protocol, name string) (them, us usages, err error) {
	dir := filepath.Join(env.dir, "cloned")
	git := func(ctx context.Context) error {
		used, err := program{environment: p.env}.measured(ctx, "", "git", "clone", "--quiet", "--depth", "1", "--branch", "main", p.git+name+".git", dir)
		them.add(used)
		return err
	}
	request := p.request
	request.URL += name + ".git"
	request.Reference, request.Depth = "main", 1
	text, err := json.Marshal(request)
	if err != nil {
		return them, us, err
	}
	ours := func(ctx context.Context) error {
		used, err := program{input: text}.measured(ctx, roleClone, "", dir)
		us.add(used)
		return err
	}
	want, err := gitserver.Git(ctx, filepath.Join(env.GitRoot, name+".git"), nil, "rev-parse", "main^{tree}")
	if err != nil {
		return them, us, err
	}
	remove := func(context.Context) error {
		tree, err := gitserver.Git(ctx, dir, nil, "rev-parse", "HEAD^{tree}")
		if err == nil && tree != want {
			err = fmt.Errorf("%s was cloned with the tree %s, want %s", name, tree, want)
		}
		return errors.Join(err, os.RemoveAll(dir))
	}
	_, _, err = b.pairs(ctx, "clone over "+p.name+", "+name, nil, side{work: git, after: remove}, side{work: ours, after: remove})
	return them, us, err
}
