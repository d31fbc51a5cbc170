package main

// The job by hand: the steps of the server's build, done with the usual tools.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// byHand has all steps of the server that can be done by hand. The first push generates
// the repository's keys.
const byHand = `
git clone --quiet --depth 1 --branch main "$URL" git
tag=v1-$(git -C git rev-parse --short=7 HEAD)
"$DOCKER" build --quiet --no-cache $ARGUMENTS -t "$IMAGE:$tag" -t "$IMAGE:latest" git
DOCKER_CONTENT_TRUST=1 "$DOCKER" push --quiet "$IMAGE:$tag"
DOCKER_CONTENT_TRUST=1 "$DOCKER" push --quiet "$IMAGE:latest"
tar -cjf manifest.tbz git
openssl dgst -sha256 -binary manifest.tbz | openssl dgst -sha256 -sign key.pem -out manifest.sig`

// checkHand checks that the work by hand is complete: both tags are signed, and the
// signature of the manifest is valid.
const checkHand = `
tag=v1-$(git -C git rev-parse --short=7 HEAD)
"$DOCKER" trust inspect --pretty "$IMAGE" > signed
grep "^latest  *[0-9a-f]" signed
grep "^$tag  *[0-9a-f]" signed
openssl dgst -sha256 -binary manifest.tbz > digest
openssl dgst -sha256 -prverify key.pem -signature manifest.sig digest`

// afterHand removes the results. The server does that in its first step, which is
// measured; by hand it is not measured.
const afterHand = `
images=$("$DOCKER" image ls --quiet --no-trunc "$IMAGE" | sort -u)
[ -z "$images" ] || "$DOCKER" image rm --force $images
rm -rf git manifest.tbz manifest.sig digest signed`

// hand does the job by hand.
type hand struct{ program }

// byHand prepares the work by hand on the repository of that name. arguments are the
// build arguments.
func (b *bench) byHand(ctx context.Context, env *environment, name string, arguments map[string]string) (hand, error) {
	dir := filepath.Join(env.dir, "hand")
	config := filepath.Join(dir, "docker")
	authority := filepath.Join(config, "tls", strings.TrimPrefix(env.Notary.URL(), "https://"))
	if err := os.MkdirAll(authority, 0o700); err != nil {
		return hand{}, err
	}
	if err := os.WriteFile(filepath.Join(authority, "ca.crt"), env.Notary.CABundle(), 0o600); err != nil {
		return hand{}, err
	}
	writer := env.Registry.Writer()
	account := base64.StdEncoding.EncodeToString([]byte(writer.User + ":" + writer.Password))
	text, err := json.Marshal(map[string]any{"auths": map[string]any{env.Registry.Address(): map[string]string{"auth": account}}})
	if err != nil {
		return hand{}, err
	}
	if err := os.WriteFile(filepath.Join(config, "config.json"), text, 0o600); err != nil {
		return hand{}, err
	}
	var flags []string
	for key, value := range arguments {
		flags = append(flags, "--build-arg "+key+"="+value)
	}
	h := hand{program{dir: dir, environment: []string{
		"DOCKER=" + b.docker, "DOCKER_BUILDKIT=1", "DOCKER_CONFIG=" + config,
		"DOCKER_CONTENT_TRUST_SERVER=" + env.Notary.URL(),
		"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=by-hand-root", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=by-hand-repository",
		env.sshCommand(),
		"URL=" + env.Git.SSHURL(name+".git"), "IMAGE=" + env.Registry.Address() + "/sbs/" + name + "-by-hand",
		"ARGUMENTS=" + strings.Join(flags, " "),
	}}}
	_, err = h.run(ctx, "openssl", "genrsa", "-out", "key.pem", "3072")
	return h, err
}

// work does the job once.
func (h hand) work(ctx context.Context) error {
	_, err := h.run(ctx, "sh", "-euc", byHand)
	return err
}

// check returns an error when work has not completed the job.
func (h hand) check(ctx context.Context) error {
	_, err := h.run(ctx, "sh", "-euc", checkHand)
	return err
}

// cleanup removes the results of work, which may be incomplete.
func (h hand) cleanup(ctx context.Context) error {
	_, err := h.run(context.WithoutCancel(ctx), "sh", "-euc", afterHand)
	return err
}

// sshCommand returns the environment variable that makes git use the developer's SSH key.
func (env *environment) sshCommand() string {
	return "GIT_SSH_COMMAND=ssh -F none -o IdentitiesOnly=yes -i " + filepath.Join(env.Dir(), "git-key") +
		" -o UserKnownHostsFile=" + filepath.Join(env.Dir(), "known_hosts")
}
